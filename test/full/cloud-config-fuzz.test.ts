/**
 * Ten thousand cloud-configs: whatever the bytes, and against go-yaml. Some minutes:
 * ./scripts/test-full test/full/cloud-config-fuzz.test.ts
 *
 * Another seed: CLOUD_CONFIG_FUZZ_SEED=7 ./scripts/test-full test/full/cloud-config-fuzz.test.ts
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cloudConfigDocument } from '../support/cloud-config-documents.js'
import { anyCloudConfig, assertHandled } from '../support/cloud-config-fuzz.js'
import { differencesWithGo } from '../support/go-differences.js'

const seed = Number(process.env.CLOUD_CONFIG_FUZZ_SEED ?? '1')
const CASES = 10_000

describe(`${CASES} cloud-configs, seed ${seed}`, () => {
  it('are refused with an error of ours, blamed at a place in the file, or good', () => {
    const outcomes = { refused: 0, blamed: 0, good: 0 }
    fc.assert(
      fc.property(anyCloudConfig, (input) => {
        outcomes[assertHandled(input)]++
      }),
      { seed, numRuns: CASES },
    )
    // Each happens often, or the cases are no good.
    expect(Math.min(outcomes.refused, outcomes.blamed, outcomes.good), JSON.stringify(outcomes)).toBeGreaterThan(200)
  })

  it('fit the readers, and have the units, as go-yaml says', async () => {
    expect(await differencesWithGo(fc.sample(cloudConfigDocument, { seed, numRuns: CASES }))).toEqual([])
  })
})
