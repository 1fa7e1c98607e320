/** The look at a few names without the library, on every kind of filesystem that mke2fs makes for the engine's tests. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { ExtLook } from '#src/engine/embedded/look.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { makeImage, PROFILE_NAMES, PROFILES } from './images.js'

const directory = temporaryDirectory()
const root = join(directory, 'root')
const ID = `${'0123456789abcdef'.repeat(2)}\n`
const MANY = Array.from({ length: 400 }, (_, index) => `ssh_host_with_a_long_name_${index}_key`)

mkdirSync(join(root, 'etc/ssh'), { recursive: true })
mkdirSync(join(root, 'etc/few'))
writeFileSync(join(root, 'etc/machine-id'), ID)
writeFileSync(join(root, 'etc/few/one'), '')
symlinkSync('machine-id', join(root, 'etc/link'))
for (const name of MANY) writeFileSync(join(root, 'etc/ssh', name), '')

describe.each(PROFILE_NAMES)('%s', (name) => {
  const image = makeImage(directory, PROFILES[name], { from: root, sizeMiB: 8 })
  const open = () => ExtLook.open(new MemoryDevice(image))

  it('has the names of a small directory and of one that takes many blocks', async () => {
    const look = await open()
    expect(await look.names(['etc', 'few'])).toEqual(['one'])
    expect([...((await look.names(['etc', 'ssh'])) ?? [])].sort()).toEqual(MANY.toSorted())
  })

  it('has the beginning of a file, and nothing where there is none', async () => {
    const look = await open()
    expect((await look.head(['etc', 'machine-id'], 64))?.toString()).toBe(ID)
    expect((await look.head(['etc', 'machine-id'], 4))?.toString()).toBe('0123')
    // A link is not followed, and a directory is no file.
    for (const path of [
      ['etc', 'link'],
      ['etc', 'ssh'],
      ['etc', 'nothing'],
      ['etc', 'machine-id', 'below'],
    ])
      expect(await look.head(path, 64), path.join('/')).toBeUndefined()
    expect(await look.names(['etc', 'machine-id'])).toBeUndefined()
  })
})

describe('a superblock that lies', () => {
  const image = makeImage(directory, PROFILES.era, { from: root, sizeMiB: 8 })
  it.each<[string, number, number]>([
    ['groups of one block', 0x20, 1],
    ['groups of no inodes', 0x28, 0],
    ['2^32 - 1 inodes', 0x00, 0xffffffff],
  ])('is told before much is read: %s', async (_, offset, value) => {
    const bytes = Buffer.from(image)
    bytes.writeUInt32LE(value, 1024 + offset)
    await rejectsWithCode(ExtLook.open(new MemoryDevice(bytes)), 'ERR_FILESYSTEM_CORRUPT')
  })
})
