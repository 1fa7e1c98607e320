import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { withEmbeddedEditor } from '#src/engine/embedded/engine.js'
import type { OemEdit } from '#src/engine/engine.js'
import { OemBakeError } from '#src/errors.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import {
  contextOf,
  debugfs,
  dumpe2fs,
  EDITED_AT,
  fsck,
  makeImage,
  mkdir,
  PROFILE_NAMES,
  PROFILES,
  volumeOf,
  write,
} from './images.js'

const directory = temporaryDirectory()
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** @returns undefined when it was refused, untouched, for want of space */
async function fill(image: Uint8Array, edits: readonly OemEdit[]): Promise<Uint8Array | undefined> {
  const volume = await volumeOf(Buffer.from(image))
  try {
    await withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply(edits, EDITED_AT))
    return volume.device.bytes
  } catch (error) {
    if (!(error instanceof OemBakeError) || error.code !== 'ERR_OEM_FULL') throw error
    expect(sha256(volume.device.bytes)).toBe(sha256(image))
    expect(Number(error.details.neededBytes)).toBeGreaterThan(Number(error.details.availableBytes))
    return undefined
  }
}

const pattern = Buffer.from(Uint8Array.from({ length: 9 << 20 }, (_, at) => at % 251))
const patterned = (length: number): Buffer => pattern.subarray(0, length)

describe.each(PROFILE_NAMES)('a nearly full %s', (profile) => {
  const image = makeImage(directory, PROFILES[profile], { sizeMiB: 8, args: ['-N', '128'] })
  const blockBytes = dumpe2fs(directory, image, 'Block size')
  const freeBlocks = dumpe2fs(directory, image, 'Free blocks')

  it('takes one file up to the last block, and refuses one block more untouched', async () => {
    const outcomes: boolean[] = []
    // Indirect blocks take at most 1 in 128 or so, so both outcomes lie in this range.
    const from = freeBlocks - Math.ceil(freeBlocks / 128) - 4
    const step = Math.max(1, Math.floor((freeBlocks - from) / 8))
    let largest = 0
    for (let blocks = from; blocks <= freeBlocks + 1; blocks += step) {
      const content = patterned(blocks * blockBytes)
      const filled = await fill(image, [write('/big', content)])
      outcomes.push(filled !== undefined)
      if (filled === undefined) continue
      largest = blocks
      expect(fsck(directory, filled), `${blocks} blocks`).toBe('')
      expect(sha256(debugfs(directory, filled, 'cat /big'))).toBe(sha256(content))
    }
    expect(outcomes[0]).toBe(true)
    expect(outcomes.at(-1)).toBe(false)
    // Once refused, always refused for more.
    expect(outcomes).toEqual([...outcomes].sort((left, right) => Number(right) - Number(left)))
    expect(largest).toBeGreaterThan(freeBlocks * 0.97)
  })

  it('takes small files until they do not fit, and is clean with the most that fits', async () => {
    const files = (blocks: number): OemEdit[] =>
      Array.from({ length: 20 }, (_, index) => write(`/file-${index}`, patterned((blocks / 20) * blockBytes)))
    const outcomes: boolean[] = []
    for (const blocks of [freeBlocks - 120, freeBlocks - 60, freeBlocks - 20, freeBlocks, freeBlocks + 40]) {
      const filled = await fill(image, files(blocks))
      outcomes.push(filled !== undefined)
      if (filled !== undefined) expect(fsck(directory, filled), `${blocks} blocks`).toBe('')
    }
    expect(outcomes[0]).toBe(true)
    expect(outcomes.at(-1)).toBe(false)
  })

  it('replaces a big file by another of its size when nothing else would fit', async () => {
    const content = patterned(Math.floor(freeBlocks * 0.9) * blockBytes)
    const filled = await fill(image, [write('/big', content)])
    if (filled === undefined) throw new Error('expected 90 % to fit')
    const other = Buffer.from(content).reverse()
    expect(await fill(filled, [write('/another', other)])).toBeUndefined()
    const replaced = await fill(filled, [write('/big', other)])
    if (replaced === undefined) throw new Error('expected the replacement to fit')
    expect(fsck(directory, replaced)).toBe('')
    expect(sha256(debugfs(directory, replaced, 'cat /big'))).toBe(sha256(other))
  })

  it('refuses one file more than there are inodes', async () => {
    const freeInodes = dumpe2fs(directory, image, 'Free inodes')
    const files = (count: number): OemEdit[] => Array.from({ length: count }, (_, index) => write(`/${index}`, ''))
    const filled = await fill(image, [mkdir('/d'), ...files(freeInodes - 1)])
    if (filled === undefined) throw new Error('expected as many files as inodes to fit')
    expect(fsck(directory, filled)).toBe('')
    expect(dumpe2fs(directory, filled, 'Free inodes')).toBe(0)
    const volume = await volumeOf(Buffer.from(image))
    const attempt = withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply(files(freeInodes + 1), EDITED_AT))
    const error = await rejectsWithCode(attempt, 'ERR_OEM_FULL')
    expect(error.details).toMatchObject({ neededInodes: freeInodes + 1, availableInodes: freeInodes })
    expect(sha256(volume.device.bytes)).toBe(sha256(image))
  })
})

describe('directories in a full filesystem', () => {
  it.each(['modern', 'ext2, 1 KiB blocks', 'inline_data'] as const)(
    'of kind %s are made to the last block or refused untouched',
    async (profile) => {
      const image = makeImage(directory, PROFILES[profile], { sizeMiB: 8, args: ['-N', '256'] })
      const blockBytes = dumpe2fs(directory, image, 'Block size')
      const filled = await fill(image, [
        write('/big', patterned((dumpe2fs(directory, image, 'Free blocks') - 90) * blockBytes)),
      ])
      if (filled === undefined) throw new Error('expected the filler to fit')
      const free = dumpe2fs(directory, filled, 'Free blocks')
      const outcomes: boolean[] = []
      for (const count of [free - 40, free - 20, free - 10, free - 5, free - 2, free - 1, free, free + 1]) {
        const made = await fill(
          filled,
          Array.from({ length: count }, (_, index) => mkdir(`/directory-with-a-name-${index}`)),
        )
        outcomes.push(made !== undefined)
        if (made !== undefined) expect(fsck(directory, made), `${count} directories`).toBe('')
      }
      expect(outcomes[0]).toBe(true)
      expect(outcomes.at(-1)).toBe(false)
    },
  )

  it('tells in its message how much is needed and how much there is', async () => {
    const image = makeImage(directory, PROFILES.era, { sizeMiB: 8 })
    const volume = await volumeOf(image)
    const attempt = withEmbeddedEditor(volume, contextOf(), (fs) =>
      fs.apply([write('/big', Buffer.alloc(9 << 20))], EDITED_AT),
    )
    const error = await rejectsWithCode(attempt, 'ERR_OEM_FULL')
    // 2304 blocks of data, one indirect, and a double indirect with two below it.
    expect(error.details.neededBytes).toBe((2304 + 1 + 1 + 2) * 4096)
    expect(error.message).toContain(String(error.details.neededBytes))
    expect(error.message).toContain(String(error.details.availableBytes))
    expect(error.exitCode).toBe(8)
  })
})
