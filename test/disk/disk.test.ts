import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compress } from '../support/bzip2.js'
import { withDisk } from '../support/decoded.js'
import { rejectsWithCode } from '../support/errors.js'
import { diskWith } from '../support/gpt.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const DISK = diskWith([{ slot: 6, name: 'OEM', first: 64, last: 100 }])
let files = 0

async function opened(bytes: Buffer): Promise<string> {
  const path = join(directory, `image-${files++}`)
  await writeFile(path, bytes)
  return withDisk(path, directory, async ({ format }) => format)
}

describe('openDisk', () => {
  it('takes a raw disk as it is, and gives back its bytes with the edits in them', async () => {
    const path = join(directory, 'raw')
    await writeFile(path, DISK)
    await withDisk(path, directory, async (disk) => {
      expect(disk.format).toBe('raw')
      await disk.sectors.write(70 * 512, Buffer.from('edit'))
      const edited = await disk.edited()
      const expected = Buffer.from(DISK)
      expected.write('edit', 70 * 512)
      expect((await edited.read(0, edited.size)).equals(expected)).toBe(true)
    })
  })

  it('leaves a disk with only an MBR to the reader of the table', async () => {
    const disk = Buffer.from(DISK)
    disk.fill(0, 512, 1024)
    expect(await opened(disk)).toBe('raw')
  })

  it.each([1, 511, 513])('refuses a raw disk with %i bytes too many', async (extra) => {
    await rejectsWithCode(opened(Buffer.concat([DISK, Buffer.alloc(extra)])), 'ERR_DISK_SIZE')
  })

  it.each<[string, string, string]>([
    ['vdi', 'vdi', ''],
    ['vhdx', 'vhdx', ''],
    ['vmdk', 'vmdk', ''],
    ['vhd (dynamic)', 'vpc', ''],
    ['vhd (fixed)', 'vpc', 'subformat=fixed'],
    ['qed', 'qed', ''],
  ])('names %s, and says how to convert it', async (found, format, options) => {
    const raw = join(directory, 'to-convert')
    await writeFile(raw, Buffer.concat([DISK, Buffer.alloc(1 << 20)]))
    const path = join(directory, `converted-${files++}`)
    execFileSync('qemu-img', [
      'convert',
      '-f',
      'raw',
      '-O',
      format,
      ...(options === '' ? [] : ['-o', options]),
      raw,
      path,
    ])
    const error = await rejectsWithCode(
      withDisk(path, directory, async () => undefined),
      'ERR_DISK_FORMAT_UNSUPPORTED',
    )
    expect(error.details).toEqual({ found })
    expect(error.hint).toContain('qemu-img convert')
  })

  it('says that an image is compressed twice', async () => {
    const error = await rejectsWithCode(opened(compress(DISK)), 'ERR_DISK_FORMAT_UNSUPPORTED')
    expect(error.hint).toContain('twice')
  })

  it.each<[string, Buffer]>([
    ['noise', noise(5000)],
    ['zeros', Buffer.alloc(1 << 20)],
    ['text', Buffer.from('hello\n')],
  ])('refuses %s with ERR_NOT_AN_IMAGE', async (_, bytes) => {
    await rejectsWithCode(opened(bytes), 'ERR_NOT_AN_IMAGE')
  })
})
