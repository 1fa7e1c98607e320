import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RunLengthText } from '#src/codec/bzip2/run-length.js'
import { undoRuns } from '../../support/bzip2-oracle.js'
import { rejectsWithCode } from '../../support/errors.js'

interface Run {
  readonly byte: number
  readonly count: number
}

/** The text that stands for these runs: every four equal bytes are followed by a count. */
function textOf(runs: readonly Run[]): Buffer {
  const text: number[] = []
  let previous = -1
  for (const { byte, count } of runs) {
    // Equal bytes side by side would be one run.
    const own = byte === previous ? (byte + 1) % 256 : byte
    previous = own
    for (let left = count; left > 0; ) {
      const length = Math.min(left, 259)
      for (let index = 0; index < Math.min(4, length); index++) text.push(own)
      if (length >= 4) text.push(length - 4)
      left -= length
    }
  }
  return Buffer.from(text)
}

const short = fc.record({ byte: fc.nat(3), count: fc.integer({ min: 1, max: 9 }) })
const long = fc.record({ byte: fc.nat(255), count: fc.integer({ min: 1, max: 300_000 }) })
const texts = fc.array(fc.oneof({ weight: 3, arbitrary: short }, long), { minLength: 1, maxLength: 30 }).map(textOf)

describe('RunLengthText', () => {
  it('gives any range of what the whole text decodes to', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 8 }), (text, ranges) => {
        const whole = undoRuns(text)!
        const runs = new RunLengthText(text)
        expect(runs.rawLength).toBe(whole.length)
        for (const [start, wanted] of ranges) {
          const offset = start % (whole.length + 1)
          const target = Buffer.alloc(wanted % (whole.length - offset + 1), 0xa5)
          runs.copyInto(target, offset)
          expect(target.equals(whole.subarray(offset, offset + target.length))).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes a run of exactly four with the count 0, and a count that is the same byte', () => {
    const text = Buffer.from([7, 7, 7, 7, 0, 7, 7, 7, 7, 7, 9])
    const runs = new RunLengthText(text)
    const target = Buffer.alloc(runs.rawLength)
    runs.copyInto(target, 0)
    expect([...target]).toEqual([...Array.from({ length: 4 + 4 + 7 }, () => 7), 9])
  })

  it('gives each byte right around the places that it remembers, every 256 KiB', () => {
    const runs: Run[] = []
    for (let index = 0; index < 4000; index++) runs.push({ byte: index % 251, count: (index * 37) % 700 || 1 })
    const text = textOf(runs)
    const whole = undoRuns(text)!
    const decoded = new RunLengthText(text)
    expect(whole.length).toBeGreaterThan(4 << 18)
    for (let edge = 1 << 18; edge < whole.length; edge += 1 << 18) {
      for (let offset = edge - 800; offset < edge + 800; offset++) {
        const target = Buffer.alloc(1)
        decoded.copyInto(target, offset)
        expect(target[0], `byte ${offset}`).toBe(whole[offset])
      }
    }
  })

  it('refuses a range beyond its end', async () => {
    const runs = new RunLengthText(Buffer.from('abc'))
    await rejectsWithCode(() => runs.copyInto(Buffer.alloc(1), 3), 'ERR_INTERNAL')
    await rejectsWithCode(() => runs.copyInto(Buffer.alloc(4), 0), 'ERR_INTERNAL')
  })
})
