/** Thousands of small changes to Ignition configs: our verdict against Debian's ignition-validate. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fullConfig } from '../oem/ignition/full-configs.js'
import { mutatedConfig } from '../support/ignition-mutations.js'
import { compareVerdicts } from '../support/ignition-verdicts.js'

describe('checkIgnitionFile', () => {
  it.each(['3.0.0', '3.1.0', '3.2.0', '3.3.0'])(
    'agrees with ignition-validate about 2000 changes to spec %s',
    async (spec) => {
      await fc.assert(
        fc.asyncProperty(mutatedConfig(fullConfig(spec)), async (value) => {
          const verdicts = await compareVerdicts(JSON.stringify(value))
          expect(verdicts).toMatchObject({ agree: true })
        }),
        { numRuns: 2000 },
      )
    },
  )
})
