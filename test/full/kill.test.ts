/** Runs that are ended at 200 random moments. OEM_BAKE_KILL_SEED repeats a run of this, as far as the machine's pace lets it. */
import { describe, expect, it } from 'vitest'
import { type KilledEngine, type KillOutcome, killOnce, planKills, prepareTarget, summarize } from '../support/kills.js'
import { temporaryDirectory } from '../support/temp.js'

const COUNTS: Readonly<Record<KilledEngine, number>> = { embedded: 176, libguestfs: 24 }
const SEED = Number(process.env.OEM_BAKE_KILL_SEED ?? Date.now() % 1_000_000)
const directory = temporaryDirectory()

describe(`runs killed at 200 random moments (seed ${SEED})`, () => {
  it.each(['embedded', 'libguestfs'] as const)(
    '%s: never a partial output, a changed input, a process or a temporary file',
    async (engine) => {
      const target = await prepareTarget(directory, engine)
      const outcomes: KillOutcome[] = []
      for (const kill of planKills(target, COUNTS[engine], SEED)) outcomes.push(await killOnce(target, kill))
      process.stdout.write(summarize(engine, SEED, target, outcomes))
      expect(outcomes).toHaveLength(COUNTS[engine])
      expect(outcomes.filter(({ faults }) => faults.length > 0)).toEqual([])
    },
    3_600_000,
  )
})
