import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteLength, byteOffset, extent, extentEnd, formatBytes, lba, lbaToOffset } from '#src/units.js'
import { rejectsWithCode } from './support/errors.js'

describe('units', () => {
  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'refuses %d as an offset, a length or a sector',
    async (value) => {
      await rejectsWithCode(() => byteOffset(value), 'ERR_INTERNAL')
      await rejectsWithCode(() => byteLength(value), 'ERR_INTERNAL')
      await rejectsWithCode(() => lba(value), 'ERR_INTERNAL')
    },
  )

  it('refuses a sector whose first byte is beyond the safe integers', async () => {
    await rejectsWithCode(() => lbaToOffset(lba(2 ** 44)), 'ERR_INTERNAL')
    expect(lbaToOffset(lba(2 ** 43))).toBe(2 ** 52)
  })

  it('ends an extent one behind its last byte', () => {
    expect(extentEnd(extent(512, 512))).toBe(1024)
  })

  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [128 * 2 ** 20, '128 MiB'],
    [4_756_340_736, '4.4 GiB'],
    [2 ** 20 - 1, '1.0 MiB'],
    [2 ** 30 - 1, '1.0 GiB'],
    [5000 * 2 ** 40, '5000 TiB'],
  ])('writes %d as %s', (count, text) => {
    expect(formatBytes(count)).toBe(text)
  })

  it('never writes 1024 of a unit that has a next one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (count) => {
        expect(formatBytes(count)).not.toMatch(/^1024(\.0)? /)
      }),
    )
  })
})
