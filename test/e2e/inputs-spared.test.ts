/** Whatever a bake reads is never written, with --force and under no name: not the image alone. */
import { copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeSmallDisk } from '../support/small-disk.js'
import { snapshot } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'
import { oemBake, sha256 } from './outside.js'

const directory = temporaryDirectory()
const vendor = join(directory, 'vendor.bin')
const baked = join(directory, 'baked.bin')
const RELEASE = ['--release', 'container-linux:2512.3.0']

beforeAll(async () => {
  makeSmallDisk(vendor, {})
  const { exitCode, stderr } = await oemBake([vendor, '-t', 'ec2', '-o', baked, '--with', 'none', ...RELEASE])
  expect(exitCode, stderr.toString()).toBe(0)
})

/** A place with everything that a bake may be told to read. */
function makePlace(): string {
  const place = mkdtempSync(join(directory, 'place-'))
  copyFileSync(vendor, join(place, 'vendor.bin'))
  copyFileSync(baked, join(place, 'image.bin'))
  linkSync(join(place, 'vendor.bin'), join(place, 'hard-link'))
  symlinkSync('vendor.bin', join(place, 'link'))
  writeFileSync(join(place, 'cloud.yml'), '#cloud-config\nhostname: spared\n')
  writeFileSync(join(place, 'vars.yml'), 'nova_agent: ./agent\n')
  writeFileSync(join(place, 'base.ign'), '{"ignition":{"version":"2.2.0"}}')
  writeFileSync(join(place, 'agent'), 'an agent\n')
  mkdirSync(join(place, 'folder'))
  writeFileSync(join(place, 'folder', 'inside'), 'a file of a folder\n')
  writeFileSync(join(place, 'image.bin.sha256'), `${sha256(baked)}  image.bin\n`)
  cpSync(join(import.meta.dirname, '../../oem-templates/ec2'), join(place, 'mine'), { recursive: true })
  return place
}

describe.each([
  ['the original', ['-t', 'gce', '--original', 'vendor.bin'], 'vendor.bin'],
  ['the original, by a hard link', ['-t', 'gce', '--original', 'vendor.bin'], 'hard-link'],
  ['the original, by a symbolic link', ['-t', 'gce', '--original', 'vendor.bin'], 'link'],
  ['the cloud-config', ['--cloud-config', 'cloud.yml'], 'cloud.yml'],
  ['the Ignition config', ['--ignition', 'base.ign'], 'base.ign'],
  ['the file of variables', ['-t', 'rackspace', '--vars', 'vars.yml'], 'vars.yml'],
  ['the agent that a variable names', ['-t', 'rackspace', '--vars', 'vars.yml'], 'agent'],
  ['a file', ['--file', 'agent:/agent'], 'agent'],
  ['a file of a folder', ['--file', 'folder:/folder'], 'folder/inside'],
  ['a file of the template', ['-t', './mine'], 'mine/template.yml'],
  ['the digest file beside the image', ['-t', 'gce', '--verify', 'off'], 'image.bin.sha256'],
])('a bake reads %s', (_, words, name) => {
  it('and refuses it as its output, before any work', async () => {
    const place = makePlace()
    const before = snapshot(place)
    const flags = [...words, '-o', name, '--force', '--existing', 'merge', ...RELEASE]
    const { exitCode, stderr } = await oemBake(['image.bin', ...flags], { cwd: place })
    expect({ exitCode, said: stderr.toString() }).toEqual({
      exitCode: 8,
      said: expect.stringContaining('which is never written'),
    })
    expect(snapshot(place)).toEqual(before)
  })
})

it('an unbake refuses the original as its output', async () => {
  const place = makePlace()
  const before = snapshot(place)
  const words = ['unbake', 'image.bin', '--original', 'vendor.bin', '-o', 'vendor.bin', '--force']
  const { exitCode, stderr } = await oemBake(words, { cwd: place })
  expect({ exitCode, said: stderr.toString() }).toEqual({
    exitCode: 8,
    said: expect.stringContaining('which is never written'),
  })
  expect(snapshot(place)).toEqual(before)
})

it('an edition whose side file would be the original is refused, the other is made', async () => {
  const place = makePlace()
  copyFileSync(join(place, 'vendor.bin'), join(place, 'image.gce.bin.sha256'))
  const words = ['image.bin', '-t', 'gce', '-t', 'packet', '--original', 'image.gce.bin.sha256', '--force']
  const { exitCode, stderr, stdout } = await oemBake([...words, ...RELEASE], { cwd: place })
  expect({ exitCode, said: stderr.toString() }).toEqual({
    exitCode: 8,
    said: expect.stringContaining('gce: error: '),
  })
  expect(stdout.toString()).toBe(`${join(place, 'image.packet.bin')}\n`)
})
