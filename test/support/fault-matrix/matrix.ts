/** Fails one operation after the other, and looks at what is left each time. */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { processesKnowing } from '../../engine/libguestfs/traces.js'
import { forEachOf } from '../verified.js'
import { type Aim, keyOf, type OperationKey } from './aim.js'
import { countOperations, type InjectedRun, runInjected } from './injected-run.js'
import { kindsOf } from './operations.js'
import { environmentOf, type Ground, makePlace, type Place, removePlace, type Scenario } from './scenarios.js'
import { faultsOfEnding, isRemoval } from './verdict.js'

export interface Census {
  readonly scenario: Scenario
  readonly counts: readonly { readonly key: OperationKey; readonly count: number }[]
  /** What is left by a run that nothing disturbs: digests of files by their names. */
  readonly left: ReadonlyMap<string, string>
  readonly stdout: string
}

export interface Outcome {
  readonly aim: Aim
  /** False when there were fewer operations of this key, this time. */
  readonly met: boolean
  readonly exitCode: number | null
  readonly faults: readonly string[]
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** A manifest tells how long everything took, and versions of programs where they could be had; what else it says is the same each time. */
function digestOf(path: string): string {
  const bytes = readFileSync(path)
  if (!path.endsWith('.manifest.json')) return sha256(bytes)
  const { times: _, tools: __, ...rest } = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>
  return sha256(JSON.stringify(rest))
}

/** Digests of all files below a directory, by their paths relative to it; directories have none. */
function contentOf(directory: string, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of readdirSync(join(directory, prefix), { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`
    if (entry.isDirectory()) {
      const below = contentOf(directory, `${name}/`)
      // Those of the place itself are always there.
      if (below.size === 0 && prefix !== '') found.set(`${name}/`, '')
      for (const [path, digest] of below) found.set(path, digest)
    } else found.set(name, digestOf(join(directory, name)))
  }
  return found
}

function layDown(scenario: Scenario, place: Place): void {
  if (scenario.ownInput) cpSync(scenario.input, join(place.directory, 'image.img'))
  scenario.prepare?.(place)
}

async function run(ground: Ground, scenario: Scenario, place: Place, aim: Aim | undefined): Promise<InjectedRun> {
  return await runInjected(
    scenario.args(place),
    {
      preload: ground.preload,
      log: `${place.directory}.log`,
      roots: { '~': place.directory, '~/elsewhere': place.elsewhere, input: ground.inputs },
    },
    aim,
    { env: { ...environmentOf(place), ...scenario.env?.(place) }, cwd: place.directory },
  )
}

/** Runs a scenario undisturbed, and writes down what it does. */
export async function takeCensus(ground: Ground, scenario: Scenario): Promise<Census> {
  const place = makePlace(ground)
  try {
    layDown(scenario, place)
    const { exitCode, operations, stderr, stdout } = await run(ground, scenario, place, undefined)
    if (exitCode !== (scenario.exitCode ?? 0))
      throw new Error(`${scenario.name}, undisturbed: exit ${exitCode}: ${stderr}`)
    return {
      scenario,
      counts: [...countOperations(operations).values()],
      left: contentOf(place.directory),
      stdout: stdout.replaceAll(place.directory, '~'),
    }
  } finally {
    removePlace(place)
  }
}

/** Each operation of a scenario, with each fault that it can meet. */
export function aimsOf({ counts }: Census): readonly Aim[] {
  return counts.flatMap(({ count, key }) =>
    kindsOf(key.operation).flatMap((kind) =>
      Array.from({ length: count }, (_, index) => ({ ...key, kind, nth: index + 1 })),
    ),
  )
}

/** Fails one operation. */
export async function failOnce(ground: Ground, census: Census, aim: Aim): Promise<Outcome> {
  const { scenario } = census
  const place = makePlace(ground)
  try {
    layDown(scenario, place)
    const before = contentOf(place.directory)
    const inputSha256 = sha256(readFileSync(scenario.input))
    const ending = await run(ground, scenario, place, aim)
    const [met] = ending.operations
    const faults: string[] = []
    if (met === undefined) {
      if (ending.exitCode !== (scenario.exitCode ?? 0))
        faults.push(`nothing failed, but exit ${ending.exitCode}: ${ending.stderr}`)
    } else faults.push(...faultsOfEnding(aim, met, scenario.exitCode ?? 0, ending))
    faults.push(...faultsOfLeft(census, aim, place, before, ending))
    if (sha256(readFileSync(scenario.input)) !== inputSha256) faults.push('the input was changed')
    const children = processesKnowing(place.tmp)
    if (children.length > 0) faults.push(`processes are left: ${children.join(' ')}`)
    return { aim, met: met !== undefined, exitCode: ending.exitCode, faults }
  } finally {
    removePlace(place)
  }
}

/** Whatever is there is whole, right and wanted: all that a success leaves, or all that was there before. */
function faultsOfLeft(
  { left, scenario, stdout }: Census,
  aim: Aim,
  place: Place,
  before: ReadonlyMap<string, string>,
  ending: InjectedRun,
): readonly string[] {
  const hasSucceeded = ending.exitCode === (scenario.exitCode ?? 0)
  const wanted = hasSucceeded ? left : before
  const found = contentOf(place.directory)
  const faults: string[] = []
  if (hasSucceeded && ending.stdout.replaceAll(place.directory, '~') !== stdout)
    faults.push('success, but standard output is another')
  // What has gone to standard output can't be taken back; the exit code tells.
  const isOnItsWay = aim.place.endsWith('/output')
  if (!hasSucceeded && ending.stdout !== '' && !isOnItsWay) faults.push(`failed, but said ${ending.stdout}`)
  for (const [name, digest] of found) {
    if (digest === wanted.get(name)) continue
    if (name.startsWith('cache/') && (digest === '' || isWholeEntry(join(place.directory, name)))) continue
    // The manifest is without a version then, and its digest stands in others.
    if (aim.operation === 'spawn for its version' && /\.(?:DIGESTS(?:\.asc)?|provenance\.json)$/.test(name)) continue
    // Verified by whoever takes it.
    if (name.startsWith('cache/oem-bake/images/')) continue
    // Without version.txt the image may not tell its release, and so neither does the manifest.
    if (aim.place.endsWith('/version.txt') && name.endsWith('.manifest.json')) continue
    // The directory of keys may stay, without a key.
    if (name === 'out/oem-bake/keys/') continue
    if (isRemoval(aim) && /(?:^|\/)\.oem-bake-|\.tmp$/.test(name)) continue
    faults.push(wanted.has(name) ? `not what it should be: ${name}` : `left: ${name}`)
  }
  for (const name of wanted.keys())
    if (!found.has(name) && !name.startsWith('cache/')) faults.push(`not there: ${name}`)
  if (!isRemoval(aim)) faults.push(...[...contentOf(place.elsewhere).keys()].map((name) => `left elsewhere: ${name}`))
  return faults
}

/** What a run remembers may be another thing when it had to find it out in another way: it ends with its own digest. */
function isWholeEntry(path: string): boolean {
  if (!path.endsWith('.map')) return false
  const bytes = readFileSync(path)
  return createHash('sha256').update(bytes.subarray(0, -32)).digest().equals(bytes.subarray(-32))
}

/** Fails all those operations, some at a time. */
export async function failEach(
  ground: Ground,
  census: Census,
  aims: readonly Aim[],
  atOnce: number,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  await forEachOf(aims, async (aim) => void outcomes.push(await failOnce(ground, census, aim)), atOnce)
  return outcomes
}

/** A line a scenario, for people who want to know what was done. */
export function summarize({ counts, scenario }: Census, outcomes: readonly Outcome[]): string {
  const met = outcomes.filter((outcome) => outcome.met)
  const operations = new Set(met.map(({ aim }) => `${keyOf(aim)} ${aim.nth}`)).size
  const all = counts.reduce((sum, { count }) => sum + count, 0)
  const unharmed = met.filter(({ exitCode }) => exitCode === (scenario.exitCode ?? 0)).length
  return `${scenario.name}: ${met.length} faults in ${operations} of ${all} operations (${counts.length} kinds); ${met.length - unharmed} failed, ${unharmed} did without; ${outcomes.length - met.length} not met\n`
}

/** What was not as it should be, one string a kind of operation and fault. */
export function complaints(outcomes: readonly Outcome[]): readonly string[] {
  const groups = new Map<string, { count: number; readonly first: Outcome }>()
  for (const outcome of outcomes.filter(({ faults }) => faults.length > 0)) {
    const name = `${keyOf(outcome.aim)}, ${outcome.aim.kind}`
    const group = groups.get(name) ?? { count: 0, first: outcome }
    group.count++
    groups.set(name, group)
  }
  return [...groups].map(
    ([name, { count, first }]) =>
      `${name} (${count}, first at ${first.aim.nth}): exit ${first.exitCode}, ${first.faults.join('; ')}`,
  )
}
