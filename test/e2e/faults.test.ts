/**
 * A sample of the fault matrix (test/full/faults.test.ts runs all of it): the same operations in every run, spread over the
 * ways through the pipeline and the kinds of fault.
 */
import { describe, expect, it } from 'vitest'
import { keyOf } from '../support/fault-matrix/aim.js'
import { aimsOf, complaints, failEach, summarize, takeCensus } from '../support/fault-matrix/matrix.js'
import { makeGround, makeScenarios } from '../support/fault-matrix/scenarios.js'

const SAMPLED = ['raw over an older output', 'raw.bz2, full index', 'raw.bz2, recompressed', 'the input as the output']
const FAULTS_EACH = 6

const ground = await makeGround()
const scenarios = makeScenarios(ground)

describe('a file operation or child process that fails', () => {
  it.each(SAMPLED)('%s: leaves the output absent or whole, the input untouched, and nothing behind', async (name) => {
    const scenario = scenarios.find((one) => one.name === name)
    if (scenario === undefined) throw new Error(`no scenario ${name}`)
    const census = await takeCensus(ground, scenario)
    // What is read of templates and texts is left to the whole matrix, and so is what needs no luck to be hit.
    const aims = aimsOf(census).filter(({ place }) => !place.startsWith('oem-bake') && !place.startsWith('/'))
    const sample = Array.from(
      { length: FAULTS_EACH },
      (_, index) => aims[Math.floor((index * aims.length) / FAULTS_EACH)]!,
    )
    const outcomes = await failEach(ground, census, sample, 1)
    process.stdout.write(summarize(census, outcomes))
    expect(complaints(outcomes)).toEqual([])
    expect(outcomes.filter(({ met }) => met).length, name).toBeGreaterThan(FAULTS_EACH / 2)
  })

  it('is met in each thread: the preload is in all of them', async () => {
    const full = scenarios.find(({ name }) => name === 'raw.bz2, full index')!
    const { counts } = await takeCensus(ground, full)
    expect(new Set(counts.map(({ key }) => key.thread))).toEqual(new Set(['main', 'hash-worker.js', 'walk-worker.js']))
    const keys = counts.map(({ key }) => keyOf(key))
    for (const key of ['main: link ~/out/.oem-bake-*/finished to ~/out/edition.img', 'main: FileHandle.sync ~/out'])
      expect(keys).toContain(key)
  })
})
