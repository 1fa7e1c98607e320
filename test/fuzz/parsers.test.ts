/** A few dozen of what `test/full/parsers-fuzz.test.ts` does ten thousand times. */
import { afterAll, describe, expect, it } from 'vitest'
import { FUZZ_SEED, Fuzzer, RESIDENT_MIB_MAX } from '../support/fuzz/fuzz.js'
import { TARGETS } from '../support/fuzz/targets.js'

const CASES = 60
const fuzzer = new Fuzzer()
afterAll(() => fuzzer.end())

describe(`${CASES} cases, seed ${FUZZ_SEED}`, () => {
  it.each(TARGETS.map(({ name }) => name))('of %s are read, or refused with an error of ours', async (name) => {
    const { cases, failure, input } = await fuzzer.fuzz(name, CASES)
    expect(failure, `input in base64: ${input}`).toBeUndefined()
    expect(cases).toBe(CASES)
    expect(fuzzer.residentGrowthMiB).toBeLessThan(RESIDENT_MIB_MAX)
  })
})
