import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { AccelerationMemory } from '#src/engine/libguestfs/acceleration.js'
import { withGuestfish } from '#src/engine/libguestfs/launch.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { engineContext, launches, warningCodes } from './context.js'
import { writeHypervisor } from './hypervisors.js'
import { makeExt4 } from './partitions.js'
import { processWithArguments, untilNothingIsLeft } from './traces.js'

const directory = temporaryDirectory()
const drives = [{ path: makeExt4(directory, 'e.img', 8), readOnly: true }]

/** Any device that can be opened stands for a /dev/kvm that looks usable. */
const USABLE = '/dev/null'
const IMPATIENT = { silenceMs: 1500, totalMs: 60_000 }
const PATIENT = { silenceMs: 120_000, totalMs: 300_000 }

function newMemory(): AccelerationMemory {
  return { kvmFailed: false }
}

async function expectNothingLeft(sinceMs: number): Promise<void> {
  // No waiting for processes: the promise that a session has ended includes them.
  await untilNothingIsLeft(directory, sinceMs, 0)
  expect(readdirSync(directory).filter((name) => name.startsWith('guestfish-'))).toEqual([])
}

describe('a hypervisor that aborts', () => {
  const env = { LIBGUESTFS_HV: writeHypervisor(directory, 'aborts'), LIBGUESTFS_BACKEND_SETTINGS: undefined }

  it('is tried once with KVM and once without, with one warning', async () => {
    const sinceMs = Date.now()
    const { context, events } = engineContext(directory, env)
    const error = await rejectsWithCode(
      withGuestfish(drives, context, async () => undefined, { kvmDevice: USABLE, memory: newMemory() }),
      'ERR_APPLIANCE_ABORTED',
    )
    expect([launches(events), warningCodes(events)]).toEqual([2, ['KVM_UNUSABLE']])
    expect(error.details.hypervisor).toBe(env.LIBGUESTFS_HV)
    await expectNothingLeft(sinceMs)
  })

  it('is tried once where there is no KVM', async () => {
    const { context, events } = engineContext(directory, env)
    await rejectsWithCode(
      withGuestfish(drives, context, async () => undefined, { kvmDevice: '/nonexistent/kvm', memory: newMemory() }),
      'ERR_APPLIANCE_ABORTED',
    )
    expect([launches(events), warningCodes(events)]).toEqual([1, []])
  })

  it('is tried once where the user has ruled KVM out', async () => {
    const { context, events } = engineContext(directory, { ...env, LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' })
    await rejectsWithCode(
      withGuestfish(drives, context, async () => undefined, { kvmDevice: USABLE, memory: newMemory() }),
      'ERR_APPLIANCE_ABORTED',
    )
    expect([launches(events), warningCodes(events)]).toEqual([1, []])
  })
})

describe('a hypervisor that hangs', () => {
  const env = { LIBGUESTFS_HV: writeHypervisor(directory, 'hangs'), LIBGUESTFS_BACKEND_SETTINGS: undefined }
  const options = { kvmDevice: USABLE, limits: { kvm: IMPATIENT, tcg: IMPATIENT } }

  it('is noticed by its silence, and ended though it ignores SIGTERM', async () => {
    const sinceMs = Date.now()
    const { context, events } = engineContext(directory, env)
    await rejectsWithCode(
      withGuestfish(drives, context, async () => undefined, { ...options, memory: newMemory() }),
      'ERR_APPLIANCE_HANGS',
    )
    expect([launches(events), warningCodes(events)]).toEqual([2, ['KVM_UNUSABLE']])
    await expectNothingLeft(sinceMs)
  })

  it('costs the attempt and the warning once a process', async () => {
    const memory = newMemory()
    const runs = [engineContext(directory, env), engineContext(directory, env)]
    for (const { context } of runs) {
      await rejectsWithCode(
        withGuestfish(drives, context, async () => undefined, { ...options, memory }),
        'ERR_APPLIANCE_HANGS',
      )
    }
    expect(runs.map(({ events }) => launches(events))).toEqual([2, 1])
    expect(runs.map(({ events }) => warningCodes(events))).toEqual([['KVM_UNUSABLE'], []])
  })

  it('is given up for taking too long, however much it says', async () => {
    const { context } = engineContext(directory, env)
    const talkative = { silenceMs: 60_000, totalMs: 1500 }
    await rejectsWithCode(
      withGuestfish(drives, context, async () => undefined, {
        kvmDevice: '/nonexistent/kvm',
        limits: { kvm: talkative, tcg: talkative },
        memory: newMemory(),
      }),
      'ERR_APPLIANCE_HANGS',
    )
  })

  it('does not keep a cancelled launch waiting', async () => {
    const sinceMs = Date.now()
    const { context, cancel } = engineContext(directory, env)
    const launch = withGuestfish(drives, context, async () => undefined, {
      ...options,
      limits: { kvm: PATIENT, tcg: PATIENT },
      memory: newMemory(),
    })
    const rejected = rejectsWithCode(launch, 'ERR_CANCELLED')
    await processWithArguments(directory, /\0-kernel\0/)
    cancel()
    await rejected
    await expectNothingLeft(sinceMs)
  })
})

describe('KVM that hangs while emulation works', () => {
  it('costs a warning and nothing else', async () => {
    const { context, events } = engineContext(directory, {
      LIBGUESTFS_HV: writeHypervisor(directory, 'hangs-with-kvm'),
      LIBGUESTFS_BACKEND_SETTINGS: undefined,
    })
    const answer = await withGuestfish(
      drives,
      context,
      async (session) => {
        await session.mkmountpoint('/m')
        await session.mountRo('/dev/sda', '/m')
        return session.find0('/m')
      },
      { kvmDevice: USABLE, limits: { kvm: IMPATIENT, tcg: PATIENT }, memory: newMemory() },
    )
    expect(answer).toEqual(['lost+found'])
    expect([launches(events), warningCodes(events)]).toEqual([2, ['KVM_UNUSABLE']])
  })
})

describe("this machine's own /dev/kvm", () => {
  it('does not keep a session from opening; cancelled in the middle of a command, it leaves nothing', async () => {
    const sinceMs = Date.now()
    const { context, events, cancel } = engineContext(directory, { LIBGUESTFS_BACKEND_SETTINGS: undefined })
    let isOpen = false
    const session = withGuestfish(drives, context, async (guestfish) => {
      isOpen = true
      const sleep = guestfish.call('debug', ['sh', 'sleep 1000'])
      await pause(500)
      cancel()
      return sleep
    })
    await rejectsWithCode(session, 'ERR_CANCELLED')
    expect(isOpen).toBe(true)
    expect(launches(events)).toBe(1 + warningCodes(events).length)
    await expectNothingLeft(sinceMs)
  })
})
