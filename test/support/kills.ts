/**
 * Ends runs at random moments and looks at what is left. Shared by the short test of every run and the long one.
 *
 * Two thirds of the moments are spread evenly over the time of an undisturbed run; one third follow the beginning of a
 * phase at once, mostly within milliseconds, because some phases are too short to be hit by time alone.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { compressFile, decompressFile } from './bzip2-file.js'
import { type Run, type RunResult, runCli, runEnvironment, startCli } from './command-line.js'
import { noise } from './random.js'
import { DiskPatcher, makeSmallDisk } from './small-disk.js'
import { sha256File, strayTemporaryFiles } from './snapshot.js'

export type KilledEngine = 'embedded' | 'libguestfs'
type Phase = string

/** An image, and what a run on it comes to when nobody disturbs it. */
export interface Target {
  readonly engine: KilledEngine
  readonly input: string
  readonly inputSha256: string
  /** Everything outside the OEM partition, as a digest of the decoded disk. */
  readonly outsideSha256: string
  readonly outputSha256: string
  readonly durationMs: number
  /** In order of appearance. */
  readonly phases: readonly Phase[]
}

export type Moment =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'phase'; readonly phase: Phase; readonly delayMs: number }

export interface Kill {
  readonly signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'SIGKILL'
  /** A terminal's Ctrl-C reaches the whole process group; kill(1) one process. */
  readonly whom: 'process' | 'group'
  readonly moment: Moment
  /** With a --tmp-dir that is not the output's directory. */
  readonly elsewhere: boolean
}

export interface KillOutcome {
  readonly kill: Kill
  /** The phase that had been told last. */
  readonly phase: Phase
  readonly published: boolean
  /** From the signal to the last process's end. */
  readonly endedAfterMs: number
  /** Promises that were not kept. */
  readonly faults: readonly string[]
}

const DATA_BYTES: Readonly<Record<KilledEngine, number>> = { embedded: 8 << 20, libguestfs: 2 << 20 }
const OEM_SLOT = 6
const OEM_BYTES: Readonly<Record<KilledEngine, number>> = { embedded: 16 << 20, libguestfs: 32 << 20 }
/** What the issue allows children to take. */
const CHILDREN_LIMIT_MS = 30_000

/** Makes the image and measures an undisturbed run. */
export async function prepareTarget(directory: string, engine: KilledEngine): Promise<Target> {
  const raw = makeSmallDisk(join(directory, `${engine}.bin`), {
    oem: engine === 'embedded' ? 'ext4' : 'btrfs',
    data: noise(DATA_BYTES[engine], engine),
  })
  const input = compressFile(raw)
  const place = makePlace()
  try {
    const startedMs = performance.now()
    const { exitCode, stderr } = await start(input, engine, place, false).ended
    if (exitCode !== 0) throw new Error(`the undisturbed run failed: ${stderr}`)
    return {
      engine,
      input,
      inputSha256: sha256File(input),
      outsideSha256: digestOutsideOem(raw, engine),
      outputSha256: sha256File(outputOf(place)),
      durationMs: performance.now() - startedMs,
      phases: [...new Set(phasesIn(stderr))],
    }
  } finally {
    rmSync(place, { recursive: true })
  }
}

/** @param seed the same seed gives the same plan */
export function planKills(target: Target, count: number, seed: number): readonly Kill[] {
  const words = noise(count * 8, seed)
  const fraction = (index: number) => words.readUInt32LE(index * 8) / 2 ** 32
  const signals = ['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGHUP', 'SIGKILL'] as const
  return Array.from({ length: count }, (_, index): Kill => {
    const bits = words.readUInt32LE(index * 8 + 4)
    const byPhase = index % 3 === 2
    const round = Math.floor(index / 3)
    const phase = target.phases[round % target.phases.length] ?? ''
    // One step further after each round of the phases, so that every signal meets every phase.
    const step = byPhase ? (round % target.phases.length) + Math.floor(round / target.phases.length) : index - round
    return {
      signal: signals[step % signals.length] ?? 'SIGINT',
      whom: (bits & 1) === 0 ? 'process' : 'group',
      elsewhere: (bits & 6) === 0,
      moment: byPhase
        ? { kind: 'phase', phase, delayMs: fraction(index) ** 3 * 60 }
        : { kind: 'time', ms: (target.durationMs * (index + fraction(index))) / count },
    }
  })
}

/** Runs, kills, and looks. A run that was over before its moment is repeated with an earlier one. */
export async function killOnce(target: Target, kill: Kill): Promise<KillOutcome> {
  const place = makePlace()
  try {
    const sinceMs = Date.now()
    const run = start(target.input, target.engine, place, kill.elsewhere)
    let over = false
    void run.ended.then(() => {
      over = true
    })
    await until(kill.moment, run, () => over)
    if (over) {
      const { moment } = kill
      const earlier: Moment =
        moment.kind === 'time' ? { kind: 'time', ms: moment.ms * 0.8 } : { ...moment, delayMs: moment.delayMs / 2 }
      return await killOnce(target, { ...kill, moment: earlier })
    }
    const phase = phasesIn(run.stderr()).at(-1) ?? 'start'
    const killedMs = performance.now()
    process.kill(kill.whom === 'group' ? -run.pid : run.pid, kill.signal)
    const result = await within(run.ended, CHILDREN_LIMIT_MS)
    const faults: string[] = []
    await untilNothingIsLeft(place, sinceMs, CHILDREN_LIMIT_MS).catch((error) => faults.push(String(error)))
    const endedAfterMs = performance.now() - killedMs
    if (result === undefined) faults.push(`still running ${CHILDREN_LIMIT_MS} ms after ${kill.signal}`)

    const published = readdirSync(join(place, 'out')).includes(OUTPUT_NAME)
    if (published) faults.push(...faultsOfOutput(target, place))
    if (sha256File(target.input) !== target.inputSha256) faults.push('the input was changed')
    if (kill.signal === 'SIGKILL') faults.push(...(await faultsAfterSigkill(target, kill, place)))
    else {
      faults.push(...faultsOfEnd(kill.signal, result, published && outputOf(place), phase), ...leftIn(place))
      const orphans = published ? [] : readdirSync(join(place, 'out')).filter((name) => SIDE_NAMES.includes(name))
      if (orphans.length > 0) faults.push(`not published, but there is ${orphans.join(', ')}`)
    }
    faults.push(...strayTemporaryFiles([run.pid]))
    return { kill, phase, published, endedAfterMs, faults }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** A line a phase and signal, for people who want to know what was hit. */
export function summarize(title: string, seed: number, target: Target, outcomes: readonly KillOutcome[]): string {
  const count = (test: (outcome: KillOutcome) => boolean): number => outcomes.filter(test).length
  const phases = [...new Set(['start', ...target.phases, ...outcomes.map(({ phase }) => phase)])]
  const slowestMs = Math.max(...outcomes.map(({ endedAfterMs }) => endedAfterMs))
  return [
    `${title}: ${outcomes.length} kills (seed ${seed}) of runs that take ${(target.durationMs / 1000).toFixed(1)} s`,
    ...phases.map((phase) => {
      const here = (signal: string) => count((outcome) => outcome.phase === phase && outcome.kill.signal === signal)
      return `  ${phase.padEnd(10)} SIGHUP ${here('SIGHUP')}, SIGINT ${here('SIGINT')}, SIGTERM ${here('SIGTERM')}, SIGKILL ${here('SIGKILL')}`
    }),
    `  published all the same: ${count(({ published }) => published)}; slowest end ${(slowestMs / 1000).toFixed(1)} s`,
    '',
  ].join('\n')
}

const OUTPUT_NAME = 'edition.bin.bz2'
const SIDE_NAMES = [`${OUTPUT_NAME}.sha256`, `${OUTPUT_NAME}.manifest.json`]
const PUBLISHED = [OUTPUT_NAME, ...SIDE_NAMES]

function outputOf(place: string): string {
  return join(place, 'out', OUTPUT_NAME)
}

/** `out` for the output, `scratch` for --tmp-dir, `tmp` as the system's own directory for temporary files. */
function makePlace(): string {
  const place = mkdtempSync(join(tmpdir(), 'oem-bake-test-kill-'))
  for (const name of ['out', 'scratch', 'tmp']) mkdirSync(join(place, name))
  return place
}

function argumentsFor(input: string, engine: KilledEngine, place: string, elsewhere: boolean): readonly string[] {
  return [
    ...[input, '--template', 'rackspace', '--engine', engine, '--progress', 'json', '--output', outputOf(place)],
    ...(elsewhere ? ['--tmp-dir', join(place, 'scratch')] : []),
  ]
}

function start(input: string, engine: KilledEngine, place: string, elsewhere: boolean): Run {
  const env = runEnvironment(join(place, 'tmp'))
  return startCli(argumentsFor(input, engine, place, elsewhere), { env, detached: true })
}

/** Progress events are lines of JSON; the last one may have come in half. */
function phasesIn(stderr: string): readonly Phase[] {
  return [...stderr.matchAll(/"phase":"([a-z-]+)"/g)].map(([, phase]) => phase ?? '')
}

async function until(moment: Moment, run: Run, isOver: () => boolean): Promise<void> {
  if (moment.kind === 'time') return await pause(moment.ms)
  while (!isOver() && !phasesIn(run.stderr()).includes(moment.phase)) await pause(2)
  await pause(moment.delayMs)
}

async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  const limit = new AbortController()
  const result = await Promise.race([promise, pause(limitMs, undefined, { signal: limit.signal })])
  limit.abort()
  return result
}

/** Embedded bakes are the same to the byte; the appliance's clock is not ours, so there only the rest of the disk is. */
function faultsOfOutput({ engine, outputSha256, outsideSha256 }: Target, place: string): readonly string[] {
  const output = outputOf(place)
  const missing = SIDE_NAMES.filter((name) => !existsSync(join(place, 'out', name)))
  if (missing.length > 0) return [`published without ${missing.join(', ')}`]
  const said = readFileSync(`${output}.sha256`, 'utf8')
  if (said !== `${sha256File(output)}  ${OUTPUT_NAME}\n`) return [`published with a .sha256 of something else: ${said}`]
  if (engine === 'embedded') return sha256File(output) === outputSha256 ? [] : ['the output is not what it should be']
  const raw = decompressFile(output, join(place, 'decoded.bin'))
  return digestOutsideOem(raw, engine) === outsideSha256 ? [] : ['the output differs outside the OEM partition']
}

function digestOutsideOem(raw: string, engine: KilledEngine): string {
  using disk = new DiskPatcher(raw)
  const offset = disk.partitionOffset(OEM_SLOT)
  const bytes = readFileSync(raw)
  const hash = createHash('sha256').update(bytes.subarray(0, offset))
  return hash.update(bytes.subarray(offset + OEM_BYTES[engine])).digest('hex')
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

function faultsOfEnd(
  signal: keyof typeof EXIT_CODES,
  result: RunResult | undefined,
  published: string | false,
  phase: Phase,
): readonly string[] {
  if (result === undefined) return []
  const { exitCode, signalName, stderr, stdout } = result
  const how = signalName ?? `exit code ${exitCode}`
  // Before our own code runs, node ends as every program does: a shell shows the same 130 and 143.
  if (phase === 'start' && signalName === signal)
    return published === false ? [] : ['ended at the start, but published']
  // The same while node takes itself down: the result has been printed by then.
  if (published !== false && signalName === signal && stdout === `${published}\n`) return []
  if (published !== false) return exitCode === 0 ? [] : [`published, but ended with ${how}: ${stderr}`]
  return exitCode === EXIT_CODES[signal] ? [] : [`ended with ${how}, expected ${EXIT_CODES[signal]}: ${stderr}`]
}

/** What there is beside the output. */
function leftIn(place: string): readonly string[] {
  return ['out', 'scratch', 'tmp']
    .flatMap((name) =>
      readdirSync(join(place, name), { recursive: true, encoding: 'utf8' }).map((entry) => join(name, entry)),
    )
    .filter((path) => !PUBLISHED.some((name) => path === join('out', name)))
    .map((path) => `left behind: ${path}`)
}

/** At most one working directory in a place, and the next run there takes it away. */
async function faultsAfterSigkill(target: Target, kill: Kill, place: string): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [name, allowed] of [
    ['out', 1],
    ['scratch', kill.elsewhere ? 1 : 0],
    ['tmp', 0],
  ] as const) {
    const entries = readdirSync(join(place, name)).filter((entry) => !PUBLISHED.includes(entry))
    const foreign = entries.filter((entry) => !entry.startsWith('.oem-bake-'))
    if (entries.length > allowed || foreign.length > 0)
      faults.push(`left in ${name} after SIGKILL: ${entries.join(' ')}`)
  }
  // The next run fails soon, which is enough: it cleans up before it looks into the image.
  const notes = join(place, 'notes.txt')
  writeFileSync(notes, 'no image\n')
  const words = argumentsFor(notes, target.engine, place, kill.elsewhere)
  const { exitCode, stdout, stderr } = await runCli([...words, '--force', '--json'], {
    env: runEnvironment(join(place, 'tmp')),
  })
  if (exitCode !== 4) faults.push(`the next run ended with exit code ${exitCode}: ${stdout}${stderr}`)
  return [...faults, ...leftIn(place).map((fault) => `${fault}, even after the next run`)]
}
