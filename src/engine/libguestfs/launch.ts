/**
 * Brings the appliance up, also where others give in, and always takes it down again.
 *
 * A launch is verbose, so that the appliance's console comes through stderr; a launch that stays silent for too long
 * hangs. Measured under emulation on two busy, slow cores (2026-07): the longest silence of a good boot was 4.4 s (the
 * kernel unpacks itself), while an appliance is built 3.6 s, and the whole took 12 to 28 s. With a working KVM no
 * silence reaches a second. A hanging KVM prints its firmware's greeting and nothing more.
 *
 * Order of events: with KVM where it seems to be there; if that fails, once more without it, and a warning says so once
 * a process. After a failure the machine is asked for a reason (diagnose.ts) before anything is tried again.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CancelledError, EngineError, fileError, OemBakeError } from '../../errors.js'
import type { EngineContext } from '../engine.js'
import { type AccelerationMemory, chooseAcceleration, processMemory } from './acceleration.js'
import { findHypervisorProblem, findKernelProblem, isApplianceCached, locateGuestfish } from './diagnose.js'
import { type Acceleration, guestfishEnvironment } from './environment.js'
import { GuestfishProcess } from './guestfish-process.js'
import { consoleTail, parseErrorMessage } from './message.js'
import { type Drive, GuestfishSession } from './session.js'

/** When a launch has gone wrong without saying so. */
export interface LaunchLimits {
  /** Longest time without any output. */
  readonly silenceMs: number
  /** Longest time altogether, with the building of the appliance. */
  readonly totalMs: number
}

const LIMITS: Readonly<Record<Acceleration, LaunchLimits>> = {
  kvm: { silenceMs: 15_000, totalMs: 180_000 },
  // Nothing comes after this attempt, so it gets time for machines ten times slower than the one measured.
  tcg: { silenceMs: 120_000, totalMs: 900_000 },
}

const POLL_MS = 100

/** For tests: another device, shorter limits, a memory of their own. */
export interface LaunchOptions {
  readonly kvmDevice?: string
  readonly limits?: Readonly<Record<Acceleration, LaunchLimits>>
  readonly memory?: AccelerationMemory
}

interface LaunchFailure {
  readonly how: 'aborted' | 'hangs'
  readonly error: unknown
  readonly silentMs: number
  readonly stderr: string
  readonly hypervisor: string | undefined
}

type LaunchOutcome =
  | { readonly kind: 'launched'; readonly process: GuestfishProcess; readonly session: GuestfishSession }
  | { readonly kind: 'failed'; readonly failure: LaunchFailure }

/**
 * Runs `use` with a launched appliance, then unmounts and shuts down in order. After a failure or cancellation the
 * appliance is ended as it is. Either way no process and no directory of it remains.
 *
 * @param drives become /dev/sda, /dev/sdb, … in this order
 * @throws ERR_GUESTFISH_MISSING | ERR_KERNEL_MISSING | ERR_KERNEL_UNREADABLE | ERR_QEMU_MISSING what the machine lacks
 * @throws ERR_APPLIANCE_ABORTED | ERR_APPLIANCE_HANGS when it does not come up, with the end of its console in `details`
 * @throws ERR_GUESTFISH from `use`, or when the shutdown was not clean
 */
export async function withGuestfish<T>(
  drives: readonly Drive[],
  context: EngineContext,
  use: (session: GuestfishSession) => Promise<T>,
  options: LaunchOptions = {},
): Promise<T> {
  const { process, session } = await launchWithRetry(drives, context, options)
  try {
    const result = await use(session)
    await session.umountAll()
    await session.shutdown()
    return result
  } finally {
    await process.end()
  }
}

async function launchWithRetry(drives: readonly Drive[], context: EngineContext, options: LaunchOptions) {
  const guestfish = locateGuestfish(context.env)
  const memory = options.memory ?? processMemory
  const limits = options.limits ?? LIMITS
  const acceleration = chooseAcceleration(context.env, options.kvmDevice ?? '/dev/kvm', memory)
  const first = await launchOnce(guestfish, drives, context, acceleration, limits[acceleration])
  if (first.kind === 'launched') return first
  throwKnownProblem(first.failure, context)
  if (acceleration === 'tcg') throw launchError(first.failure, context)

  if (!memory.kvmFailed) {
    memory.kvmFailed = true
    context.report({
      kind: 'warning',
      code: 'KVM_UNUSABLE',
      message: `the libguestfs appliance ${describe(first.failure)} with KVM; it is started again without, which is slower`,
      hint: 'set LIBGUESTFS_BACKEND_SETTINGS=force_tcg to save the attempt, or make /dev/kvm work',
    })
  }
  const second = await launchOnce(guestfish, drives, context, 'tcg', limits.tcg)
  if (second.kind === 'launched') return second
  throw launchError(second.failure, context)
}

async function launchOnce(
  guestfish: string,
  drives: readonly Drive[],
  context: EngineContext,
  acceleration: Acceleration,
  limits: LaunchLimits,
): Promise<LaunchOutcome> {
  if (context.signal.aborted) throw new CancelledError()
  context.report({
    kind: 'phase',
    phase: 'launch',
    detail: acceleration === 'kvm' ? 'with KVM' : 'without KVM',
  })
  const temporaryDirectory = await mkdtemp(join(context.workDirectory, 'guestfish-')).catch((error) => {
    throw fileError(error, `make a directory in ${context.workDirectory}`)
  })
  const process = new GuestfishProcess({
    guestfish,
    args: ['--verbose'],
    env: guestfishEnvironment(context.env, acceleration, temporaryDirectory),
    temporaryDirectory,
    signal: context.signal,
  })
  const session = new GuestfishSession(process, temporaryDirectory)
  const watch = watchSilence(process, limits)
  let hypervisor: string | undefined
  try {
    for (const drive of drives) await session.addDrive(drive)
    hypervisor = await session.getHv()
    await Promise.race([session.launch(), watch.hung])
    await session.setVerbose(false)
    process.forgetStderr()
    return { kind: 'launched', process, session }
  } catch (error) {
    await process.end()
    // The supervisor removes it; this is for the case that the supervisor itself was killed.
    await rm(temporaryDirectory, { recursive: true, force: true }).catch(() => undefined)
    if (error instanceof CancelledError) throw error
    const silentMs = error instanceof Silence ? error.silentMs : 0
    const how = error instanceof Silence ? 'hangs' : 'aborted'
    return { kind: 'failed', failure: { how, error, silentMs, stderr: process.stderr, hypervisor } }
  } finally {
    watch.stop()
  }
}

/** Only between {@link watchSilence} and {@link launchOnce}. */
class Silence extends Error {
  readonly silentMs: number
  constructor(silentMs: number) {
    super('silent for too long')
    this.silentMs = silentMs
  }
}

function watchSilence(process: GuestfishProcess, limits: LaunchLimits) {
  const startedMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const nowMs = performance.now()
      const silentMs = nowMs - process.lastHeardMs
      if (silentMs > limits.silenceMs || nowMs - startedMs > limits.totalMs) reject(new Silence(silentMs))
    }, POLL_MS)
  })
  // It may fire between the race's end and `stop`.
  hung.catch(() => undefined)
  return { hung, stop: () => clearInterval(timer) }
}

function throwKnownProblem(failure: LaunchFailure, context: EngineContext): void {
  // Our own refusals, such as a line that is too long, say more than any diagnosis.
  if (failure.error instanceof OemBakeError && failure.error.code !== 'ERR_GUESTFISH') throw failure.error
  const problem =
    (failure.hypervisor === undefined ? undefined : findHypervisorProblem(failure.hypervisor)) ??
    (isApplianceCached(context.env) ? undefined : findKernelProblem(context.env))
  if (problem !== undefined) throw problem
}

function describe(failure: LaunchFailure): string {
  if (failure.how === 'hangs') return `hung (silent for ${(failure.silentMs / 1000).toFixed(0)} s)`
  return `failed (${parseErrorMessage(failure.stderr)})`
}

function launchError(failure: LaunchFailure, context: EngineContext): EngineError {
  // With an appliance from before this is a guess: supermin may have wanted to build another one.
  const kernelHint = findKernelProblem(context.env)?.hint
  return new EngineError(
    failure.how === 'hangs' ? 'ERR_APPLIANCE_HANGS' : 'ERR_APPLIANCE_ABORTED',
    `the libguestfs appliance did not start: it ${describe(failure)}`,
    {
      hint:
        kernelHint ??
        'run libguestfs-test-tool to see why; images with an ext4 OEM partition need no appliance: --engine embedded',
      details: { console: consoleTail(failure.stderr), hypervisor: failure.hypervisor },
      cause: failure.error,
    },
  )
}
