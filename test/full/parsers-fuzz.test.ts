/**
 * Every parser and decoder, ten thousand cases each: never a hang, never more memory than stated, never anything but an
 * error of ours. Some minutes: ./scripts/test-full test/full/parsers-fuzz.test.ts
 *
 * Another seed: FUZZ_SEED=7 ./scripts/test-full test/full/parsers-fuzz.test.ts; fewer or more cases: FUZZ_CASES=100000.
 * What block codec, cloud-configs and Ignition checks are to outside judges is fuzzed in the files beside this one.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { FUZZ_SEED, Fuzzer, RESIDENT_MIB_MAX } from '../support/fuzz/fuzz.js'
import { TARGETS } from '../support/fuzz/targets.js'

const CASES = Number(process.env.FUZZ_CASES ?? '10000')
const fuzzer = new Fuzzer()
afterAll(() => fuzzer.end())

describe(`${CASES} cases, seed ${FUZZ_SEED}`, () => {
  it.each(TARGETS.map(({ name }) => name))('of %s are read, or refused with an error of ours', async (name) => {
    const { cases, failure, input, outcomes, seconds } = await fuzzer.fuzz(name, CASES)
    process.stdout.write(
      `${name}: ${cases} cases in ${seconds.toFixed(1)} s, ${fuzzer.residentGrowthMiB.toFixed(0)} MiB: ${JSON.stringify(outcomes)}\n`,
    )
    expect(failure, `input in base64: ${input}`).toBeUndefined()
    expect(cases).toBe(CASES)
    expect(fuzzer.residentGrowthMiB).toBeLessThan(RESIDENT_MIB_MAX)
  })
})
