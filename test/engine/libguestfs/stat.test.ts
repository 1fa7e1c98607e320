import { describe, expect, it } from 'vitest'
import { parseFilesystemStatus, parseStatusList } from '#src/engine/libguestfs/stat.js'
import { rejectsWithCode } from '../../support/errors.js'

function printed(index: number, fields: Readonly<Record<string, number>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `  ${name}: ${value}\n`)
  return `[${index}] = {\n${lines.join('')}}\n`
}

const file = { st_ino: 11, st_mode: 0o104755, st_uid: 0, st_gid: 4, st_size: 12 }

describe('parseStatusList', () => {
  it('tells kind, permission bits, owner and size', () => {
    expect(parseStatusList(printed(0, file), 1)).toEqual([
      { kind: 'file', mode: 0o4755, uid: 0, gid: 4, sizeBytes: 12 },
    ])
  })

  it('gives undefined for a name that is not there', () => {
    const text = printed(0, { ...file, st_ino: -1 }) + printed(1, file)
    expect(parseStatusList(text, 2).map((status) => status?.kind)).toEqual([undefined, 'file'])
  })

  it('counts content of regular files only', () => {
    const text = [0o040755, 0o120777, 0o020600, 0o010600, 0o140600].map((st_mode, index) =>
      printed(index, { ...file, st_mode, st_size: 4096 }),
    )
    expect(parseStatusList(text.join(''), 5).map((status) => [status?.kind, status?.sizeBytes])).toEqual([
      ['directory', 0],
      ['symlink', 0],
      ['other', 0],
      ['other', 0],
      ['other', 0],
    ])
  })

  it('refuses an answer of another length', async () => {
    await rejectsWithCode(() => parseStatusList(printed(0, file), 2), 'ERR_INTERNAL')
  })
})

describe('parseFilesystemStatus', () => {
  it('counts in fragments', () => {
    expect(
      parseFilesystemStatus(
        'bsize: 8192\nfrsize: 4096\nblocks: 100\nbfree: 90\nbavail: 80\nfiles: 16\nffree: 5\nfsid: -1\n',
      ),
    ).toEqual({ blockBytes: 4096, blocks: 100, freeBlocks: 90, availableBlocks: 80, inodes: 16, freeInodes: 5 })
  })

  it('refuses an answer without a field', async () => {
    await rejectsWithCode(() => parseFilesystemStatus('frsize: 4096\n'), 'ERR_INTERNAL')
  })
})
