import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BZIP2_PROGRAMS } from '../../support/bzip2.js'
import { memoryDirectory } from '../../support/memory.js'
import { type FileCase, LAYOUTS, newTally, PLACES, runFileCase } from '../../support/splice-cases.js'

const directory = memoryDirectory()

const fileCases: fc.Arbitrary<FileCase> = fc.record({
  program: fc.constantFrom(...BZIP2_PROGRAMS),
  // High levels take the time; test/full/splice-matrix.test.ts has them all.
  level: fc.constantFrom(1, 1, 1, 1, 1, 2, 2, 3, 9),
  layout: fc.constantFrom(...LAYOUTS),
  phase: fc.nat(7),
})

describe('a spliced file', () => {
  it('decodes to the edited image by every program, and is the input wherever nothing changed', async () => {
    const tally = newTally()
    await fc.assert(
      fc.asyncProperty(
        fileCases,
        fc.shuffledSubarray([...PLACES], { minLength: 5, maxLength: 5 }),
        fc.nat(1000),
        (fileCase, places, seed) => runFileCase(fileCase, places, seed, directory, tally),
      ),
      { numRuns: 22, endOnFailure: true },
    )
    expect(tally.splices).toBeGreaterThanOrEqual(150)
    expect(tally.by.get('tail') ?? 0).toBeGreaterThan(20)
  })
})
