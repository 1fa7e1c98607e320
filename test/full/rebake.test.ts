/** Bakes of baked images and the way back on btrfs, through libguestfs: what test/e2e/rebake.test.ts shows for ext4. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  btrfsLook,
  cutOut,
  firstDifferenceOutside,
  judge,
  oemBake,
  partitionRange,
  type TreeEntry,
} from '../e2e/outside.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
let count = 0

async function make(...words: readonly string[]): Promise<string> {
  const output = join(directory, `${count++}.img`)
  const { exitCode, stderr } = await oemBake([...words, '--verify', 'off', '--quiet', '--output', output])
  if (exitCode !== 0) throw new Error(stderr)
  return output
}

function treeOf(image: string): readonly TreeEntry[] {
  const work = join(directory, `look-${count++}`)
  mkdirSync(work)
  const raw = join(work, 'disk.raw')
  judge('qemu-img', ['convert', '-O', 'raw', image, raw])
  const oem = cutOut(raw, partitionRange(raw, 6), join(work, 'oem'))
  judge('btrfs', ['check', oem])
  return btrfsLook(oem, work).tree
}

describe('on a Flatcar image with a btrfs OEM partition and a system extension', () => {
  let original: string
  let baked: string
  beforeAll(async () => {
    original = await fixtureImage('fl-layout-b')
    baked = await make(original, '--template', 'hetzner')
  })

  it('the same bake again gives the same bytes', async () => {
    const again = await make(baked, '--template', 'hetzner')
    expect(firstDifferenceOutside(again, baked, { offset: 0, length: 0 })).toBeUndefined()
  })

  it('another bake with the original gives the tree that it gives of the original', async () => {
    const after = await make(baked, '--template', 'ec2', '--original', original)
    expect(treeOf(after)).toEqual(treeOf(await make(original, '--template', 'ec2')))
  })

  it('unbake gives the original tree', async () => {
    expect(treeOf(await make('unbake', baked, '--original', original))).toEqual(treeOf(original))
  })
})
