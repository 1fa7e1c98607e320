import { describe, expect, it } from 'vitest'
import { extentBlocks, fileBlocks, indirectBlocks } from '#src/engine/embedded/capacity.js'

describe('blocks of a file', () => {
  it.each([
    [0, 0],
    [1, 1],
    [12 * 4096, 12],
    [12 * 4096 + 1, 13 + 1],
    [(12 + 1024) * 4096, 1036 + 1],
    [(12 + 1024 + 1) * 4096, 1037 + 1 + 2],
    [(12 + 1024 + 1024) * 4096, 2060 + 1 + 2],
    [(12 + 1024 + 1025) * 4096, 2061 + 1 + 3],
  ])('of %d bytes are %d with 4 KiB blocks', (sizeBytes, blocks) => {
    expect(fileBlocks(sizeBytes, 4096)).toBe(blocks)
  })

  it('count three levels of indirection', () => {
    const reachOfTwo = 12 + 256 + 256 ** 2
    expect(indirectBlocks(reachOfTwo, 1024)).toBe(1 + 1 + 256)
    expect(indirectBlocks(reachOfTwo + 1, 1024)).toBe(1 + 1 + 256 + 3)
    expect(indirectBlocks(reachOfTwo + 256 ** 2 + 1, 1024)).toBe(1 + 1 + 256 + 1 + 2 + 257)
  })

  it('count no extent block for what fits in the inode, and whole levels beyond', () => {
    expect(extentBlocks(4, 4096)).toBe(0)
    expect(extentBlocks(5, 4096)).toBe(1)
    expect(extentBlocks(170 * 5, 4096)).toBe(5 + 1)
  })
})
