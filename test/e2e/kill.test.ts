/** Runs that are ended at random moments. The same with 200 kills: test/full/kill.test.ts. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { writeHypervisor } from '../engine/libguestfs/hypervisors.js'
import { processWithArguments, untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { runEnvironment, startCli } from '../support/command-line.js'
import { type KillOutcome, killOnce, planKills, prepareTarget, summarize } from '../support/kills.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const SEED = 1
const directory = temporaryDirectory()

describe.each([
  ['embedded', 10],
  ['libguestfs', 3],
] as const)('a run with the %s engine, killed at %d random moments', (engine, count) => {
  it('never leaves a partial output, a changed input, a process or a temporary file', async () => {
    const target = await prepareTarget(directory, engine)
    const outcomes: KillOutcome[] = []
    for (const kill of planKills(target, count, SEED)) outcomes.push(await killOnce(target, kill))
    process.stdout.write(summarize(engine, SEED, target, outcomes))
    expect(outcomes).toHaveLength(count)
    expect(outcomes.filter(({ faults }) => faults.length > 0)).toEqual([])
  }, 600_000)
})

describe('a second Ctrl-C', () => {
  it('ends a run at once that can not stop at once, and still nothing is left', async () => {
    const sinceMs = Date.now()
    const place = mkdtempSync(join(tmpdir(), 'oem-bake-test-twice-'))
    mkdirSync(join(place, 'tmp'))
    const image = makeSmallDisk(join(place, 'image.bin'), { oem: 'btrfs' })
    // Deaf to SIGTERM, so that the first Ctrl-C takes seconds.
    const env = { ...runEnvironment(join(place, 'tmp')), LIBGUESTFS_HV: writeHypervisor(place, 'hangs') }
    const before = readdirSync(place)
    const run = startCli([image, '--template', 'rackspace'], { env, detached: true })
    await processWithArguments(place, /hypervisor-hangs.*\0-kernel\0/)
    process.kill(-run.pid, 'SIGINT')
    await pause(300)
    expect(run.child.exitCode).toBe(null)
    const secondMs = performance.now()
    process.kill(-run.pid, 'SIGINT')
    const { exitCode } = await run.ended
    expect(performance.now() - secondMs).toBeLessThan(1000)
    expect(exitCode).toBe(130)
    await untilNothingIsLeft(place, sinceMs)
    expect([readdirSync(place), readdirSync(join(place, 'tmp'))]).toEqual([before, []])
    rmSync(place, { recursive: true })
  })
})
