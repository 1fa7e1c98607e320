/**
 * Every file operation and child process of every way through the pipeline, failing once in every way that it can. Some
 * thousands of runs. Some of them: OEM_BAKE_FAULT_SCENARIO and OEM_BAKE_FAULT_PLACE, regular expressions for names of scenarios and
 * for keys of operations.
 */
import { expect, it } from 'vitest'
import { keyOf } from '../support/fault-matrix/aim.js'
import { aimsOf, complaints, failEach, summarize, takeCensus } from '../support/fault-matrix/matrix.js'
import { makeGround, makeScenarios } from '../support/fault-matrix/scenarios.js'
import { makeTrustScenarios } from '../support/fault-matrix/trust-scenarios.js'

const ground = await makeGround()
const only = process.env.OEM_BAKE_FAULT_SCENARIO
const places = new RegExp(process.env.OEM_BAKE_FAULT_PLACE ?? '')

it.each(
  [...makeScenarios(ground), ...(await makeTrustScenarios(ground))]
    .filter(({ name }) => only === undefined || new RegExp(only).test(name))
    .map((scenario) => [scenario.name, scenario] as const),
)(
  '%s: whatever fails, the output is absent or whole, the input untouched, and nothing is left',
  async (_, scenario) => {
    const census = await takeCensus(ground, scenario)
    const aims = aimsOf(census).filter((aim) => places.test(keyOf(aim)))
    const outcomes = await failEach(ground, census, aims, 2)
    process.stdout.write(summarize(census, outcomes))
    // Threads share the work of reading as it comes: a run may need a read less than another.
    const hit = new Set(outcomes.filter(({ met }) => met).map(({ aim }) => keyOf(aim)))
    expect(aims.map((aim) => keyOf(aim)).filter((key) => !hit.has(key))).toEqual([])
    expect(complaints(outcomes)).toEqual([])
  },
)
