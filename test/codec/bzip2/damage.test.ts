import { describe, expect, it } from 'vitest'
import { OemBakeError } from '#src/errors.js'
import { flipBit } from '../../support/bits.js'
import { compress } from '../../support/bzip2.js'
import { childNames } from '../../support/children.js'
import { DECODERS, decodedBytes } from '../../support/decoders.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'
import { forEachOf } from '../../support/verified.js'

const directory = temporaryDirectory()

describe.each(DECODERS)('a damaged file and %s', (decoder) => {
  it('refuses a file cut at any byte, and never takes it for a shorter image', async () => {
    const file = compress(Buffer.from('oem oem'))
    const lengths = Array.from({ length: file.length - 4 }, (_, index) => index + 4)
    await forEachOf(lengths, async (length) => {
      await rejectsWithCode(decodedBytes(file.subarray(0, length), { directory, decoder }), 'ERR_BZIP2_TRUNCATED')
    })
  })

  it('refuses any single flipped bit, or gives the same bytes', async () => {
    const content = Buffer.from('oem oem')
    const file = compress(content)
    let harmless = 0
    await forEachOf(
      Array.from({ length: file.length * 8 }, (_, bit) => bit),
      async (bit) => {
        // A damaged header is no bzip2 file at all: that is for `decodeImage` to say.
        if (bit < 32) return
        try {
          const decoded = await decodedBytes(flipBit(file, bit), { directory, decoder })
          expect(decoded.equals(content), `bit ${bit}`).toBe(true)
          harmless++
        } catch (error) {
          expect(error, `bit ${bit}`).toBeInstanceOf(OemBakeError)
          expect((error as OemBakeError).code, `bit ${bit}`).toMatch(/^ERR_BZIP2_(CORRUPT|TRUNCATED|TRAILING_GARBAGE)$/)
        }
      },
    )
    // Padding, and what the format says twice or never uses: few of some three hundred.
    expect(harmless).toBeLessThan(40)
    expect(childNames()).toEqual([])
  })

  it('refuses a flipped bit wherever it is in a file of many blocks', async () => {
    const file = compress(noise(250_000), 1)
    const places = Array.from({ length: 12 }, (_, index) => Math.floor(((index + 0.5) / 12) * file.length * 8))
    await forEachOf(places, async (bit) => {
      await rejectsWithCode(decodedBytes(flipBit(file, bit), { directory, decoder }), 'ERR_BZIP2_CORRUPT')
    })
  })
})
