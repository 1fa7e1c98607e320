import { describe, expect, it } from 'vitest'
import type { ExtFilesystem, OemEdit } from '#src/engine/engine.js'
import { assertFits, neededSpace, spaceOf } from '#src/engine/libguestfs/space.js'
import { rejectsWithCode } from '../../support/errors.js'

const BLOCK = 4096
const status = { blockBytes: BLOCK, blocks: 1000, freeBlocks: 500, availableBlocks: 400, inodes: 64, freeInodes: 7 }
const ext4 = { kind: 'ext', incompat: 0x40, sizeBytes: 1024 * BLOCK, blockBytes: BLOCK } as ExtFilesystem

function write(path: string, bytes: number): OemEdit {
  return { kind: 'write-file', path, mode: 0o644, content: { kind: 'host-file', path: '/x', sizeBytes: bytes } }
}

describe('spaceOf', () => {
  it("leaves out the blocks that ext4 keeps from root too, but not root's own reserve", () => {
    expect(spaceOf(status, ext4).freeBytes).toBe((500 - Math.floor(1024 / 50)) * BLOCK)
  })

  it('keeps at most 4096 blocks for ext4', () => {
    const large = { ...ext4, sizeBytes: 1_000_000 * BLOCK }
    expect(spaceOf({ ...status, freeBlocks: 900_000 }, large).freeBytes).toBe((900_000 - 4096) * BLOCK)
  })

  it('takes the free blocks of ext2 as they are', () => {
    expect(spaceOf(status, { ...ext4, incompat: 0 }).freeBytes).toBe(500 * BLOCK)
  })

  it('has no count of inodes for btrfs', () => {
    const btrfs = { kind: 'btrfs', label: '', uuid: '', sizeBytes: 0 } as const
    const space = spaceOf({ ...status, inodes: 0, freeInodes: 0 }, btrfs)
    expect([space.freeBytes, space.freeInodes]).toEqual([400 * BLOCK, undefined])
  })
})

describe('neededSpace', () => {
  it('rounds each file up to blocks and counts a block for a directory', () => {
    const needed = neededSpace(
      [
        { kind: 'make-directory', path: '/d', mode: 0o755 },
        write('/d/a', 1),
        write('/d/b', BLOCK + 1),
        write('/d/c', 0),
      ],
      new Map(),
      BLOCK,
    )
    expect(needed).toEqual({ peakBytes: 4 * BLOCK, peakInodes: 4, grossBytes: 4 * BLOCK })
  })

  it('counts what a replaced file frees', () => {
    const needed = neededSpace([write('/a', 3 * BLOCK)], new Map([['/a', 2 * BLOCK]]), BLOCK)
    expect(needed).toEqual({ peakBytes: BLOCK, peakInodes: 0, grossBytes: 3 * BLOCK })
  })

  it('counts the worst moment, not the end', () => {
    const edits: OemEdit[] = [write('/a', 8 * BLOCK), { kind: 'remove-file', path: '/a' }, write('/b', BLOCK)]
    expect(neededSpace(edits, new Map(), BLOCK).peakBytes).toBe(8 * BLOCK)
    expect(neededSpace(edits, new Map(), BLOCK).peakInodes).toBe(1)
  })

  it('counts a path that is written twice once', () => {
    expect(neededSpace([write('/a', BLOCK), write('/a', BLOCK)], new Map(), BLOCK).peakBytes).toBe(BLOCK)
  })
})

describe('assertFits', () => {
  const space = spaceOf(status, { ...ext4, incompat: 0 })

  it('lets the last block be used, and not one more', async () => {
    assertFits({ peakBytes: space.freeBytes, peakInodes: 7, grossBytes: 0 }, space)
    const error = await rejectsWithCode(
      () => assertFits({ peakBytes: space.freeBytes + BLOCK, peakInodes: 0, grossBytes: 0 }, space),
      'ERR_OEM_FULL',
    )
    expect(error.details).toEqual({ neededBytes: 501 * BLOCK, availableBytes: 500 * BLOCK })
  })

  it('refuses more files than there are inodes', async () => {
    const error = await rejectsWithCode(
      () => assertFits({ peakBytes: 0, peakInodes: 8, grossBytes: 0 }, space),
      'ERR_OEM_FULL',
    )
    expect(error.details).toEqual({ neededInodes: 8, availableInodes: 7 })
  })
})
