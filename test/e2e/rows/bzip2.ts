/** A bzip2 image that did not arrive as it was published. */
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { flipBit } from '../../support/bits.js'
import { image, type Place, RACKSPACE, type Row } from './row.js'

const damaged = (damage: (path: string, sizeBytes: number) => void) => (place: Place) => {
  const path = image(place, {}, true)
  damage(path, readFileSync(path).length)
  return { args: [path, ...RACKSPACE] }
}

const cutTo = (length: (sizeBytes: number) => number) => damaged((path, size) => truncateSync(path, length(size)))

const withBitFlipped = (bit: (sizeBytes: number) => number) =>
  damaged((path, size) => writeFileSync(path, flipBit(readFileSync(path), bit(size))))

const truncated = { exitCode: 4, code: 'ERR_BZIP2_TRUNCATED', hint: ['download or copy the image again'] } as const
const corrupt = { exitCode: 4, code: 'ERR_BZIP2_CORRUPT', hint: ['download the image again'] } as const
const trailing = { exitCode: 4, code: 'ERR_BZIP2_TRAILING_GARBAGE', hint: ['download it again'] } as const

/** The first block's header: `BZh9`, magic, CRC. */
const FIRST_BLOCK_DATA_BIT = (4 + 6 + 4) * 8

export const BZIP2_ROWS: readonly Row[] = [
  {
    title: 'bzip2 cut in the middle',
    make: cutTo((size) => size >> 1),
    says: ['image.bin.bz2', 'at byte'],
    ...truncated,
  },
  {
    title: 'bzip2 cut in its last byte',
    make: cutTo((size) => size - 1),
    says: ['image.bin.bz2', 'at byte'],
    ...truncated,
  },
  { title: 'bzip2 cut after its header', make: cutTo(() => 4), says: ['image.bin.bz2', 'byte 4'], ...truncated },
  {
    title: 'one flipped bit in the first block of a bzip2 image',
    make: withBitFlipped(() => FIRST_BLOCK_DATA_BIT + 1234),
    says: ['image.bin.bz2', 'damaged'],
    ...corrupt,
  },
  {
    title: 'one flipped bit in the combined CRC of a bzip2 image',
    make: withBitFlipped((size) => (size - 3) * 8),
    says: ['image.bin.bz2', 'damaged'],
    ...corrupt,
  },
  {
    title: 'one byte after a bzip2 image',
    make: damaged((path) => appendFileSync(path, '\0')),
    says: ['image.bin.bz2', '1 more byte', 'ends at byte'],
    ...trailing,
  },
  {
    title: 'a line of text after a bzip2 image',
    make: damaged((path) => appendFileSync(path, 'BZhello\n')),
    says: ['image.bin.bz2', '8 more bytes', 'ends at byte'],
    ...trailing,
  },
]
