/** Runs that are ended at random moments. The same with 200 kills: test/full/kill.test.ts. */
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
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

/** A run whose appliance never comes up and is deaf to SIGTERM; waits until the launch is on its way. */
async function startHanging() {
  const sinceMs = Date.now()
  const place = mkdtempSync(join(directory, 'hanging-'))
  mkdirSync(join(place, 'tmp'))
  const image = makeSmallDisk(join(place, 'image.bin'), { oem: 'btrfs' })
  const env = { ...runEnvironment(join(place, 'tmp')), LIBGUESTFS_HV: writeHypervisor(place, 'hangs') }
  const before = readdirSync(place)
  const run = startCli([image, '--template', 'rackspace'], { env, detached: true })
  await processWithArguments(place, /hypervisor-hangs.*\0-kernel\0/)
  const left = () =>
    [...readdirSync(place), ...readdirSync(join(place, 'tmp'))].filter((name) => !before.includes(name))
  return { run, left, untilNoProcessIsLeft: () => untilNothingIsLeft(place, sinceMs) }
}

describe('a run that can not stop at once', () => {
  it('ends at once at a second Ctrl-C, and still nothing is left', async () => {
    const { run, left, untilNoProcessIsLeft } = await startHanging()
    process.kill(-run.pid, 'SIGINT')
    await pause(300)
    expect(run.child.exitCode).toBe(null)
    const secondMs = performance.now()
    process.kill(-run.pid, 'SIGINT')
    const { exitCode } = await run.ended
    expect(performance.now() - secondMs).toBeLessThan(1000)
    expect(exitCode).toBe(130)
    await untilNoProcessIsLeft()
    expect(left()).toEqual([])
  })

  it('takes its appliance with it when its whole process group is killed', async () => {
    const { run, left, untilNoProcessIsLeft } = await startHanging()
    process.kill(-run.pid, 'SIGKILL')
    await run.ended
    await untilNoProcessIsLeft()
    expect(left().map((name) => name.replace(/\d.*/, ''))).toEqual(['.oem-bake-'])
  })
})
