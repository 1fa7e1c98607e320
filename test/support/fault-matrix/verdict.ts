/**
 * What a run must come to when one operation of it fails: the promises of the README, and no more.
 *
 * Some operations are there for comfort (the cache, the removal of what is temporary): a run must do without them. Some may
 * fail without anybody's loss. All others must end the run with one clear error that names the path, and no output.
 */
import { basename, dirname } from 'node:path'
import type { Aim, FaultKind, LogLine, OperationKey } from './aim.js'

type Consequence =
  /** Success, and the output as ever. */
  | 'none'
  /** An error, and no output. */
  | 'failure'
  /** Either of the two. */
  | 'either'

type Test = (key: OperationKey, kind: FaultKind) => boolean

interface Rule {
  readonly consequence: Consequence
  readonly why: string
  readonly when: Test
}

const at =
  (pattern: RegExp): Test =>
  ({ place }) =>
    pattern.test(place)
const isOperation =
  (...names: readonly string[]): Test =>
  ({ operation }) =>
    names.includes(operation)
const meets =
  (...kinds: readonly FaultKind[]): Test =>
  (_, kind) =>
    kinds.includes(kind)
const all =
  (...tests: readonly Test[]): Test =>
  (key, kind) =>
    tests.every((test) => test(key, kind))

/** The removal of what is temporary, and the looks that come with it. */
const REMOVALS = ['rm', 'rmSync', 'rmdir', 'rmdirSync', 'unlink', 'unlinkSync', 'lstat'] as const
export const isRemoval = ({ operation }: OperationKey): boolean => REMOVALS.some((name) => name === operation)

/** The first that fits counts; without one, the run has to fail. */
const RULES: readonly Rule[] = [
  {
    consequence: 'either',
    why: 'images are downloaded into the cache, and whoever takes one from there verifies it',
    when: at(/^~\/cache\/oem-bake\/images/),
  },
  {
    consequence: 'either',
    why: 'the same of an output that is to be copied to standard output',
    when: all(isOperation('stat', 'lstat'), at(/^~\/tmp\/\.oem-bake-\*\/output(?:\.[\w.]+)?$/)),
  },
  { consequence: 'none', why: 'a cache is a comfort', when: at(/^~\/cache/) },
  { consequence: 'none', why: 'bytes that come in two parts are the same', when: meets('short') },
  {
    consequence: 'none',
    why: 'what can not be removed is left to the next run',
    when: all(isOperation(...REMOVALS), at(/\.oem-bake-\*(?:\/[\w.-]+)?$/)),
  },
  {
    consequence: 'either',
    why: 'nothing is lost by a close that fails: what was written is synced and read back',
    when: isOperation('FileHandle.close', 'close', 'closeSync'),
  },
  {
    consequence: 'none',
    why: 'left-overs of other runs are no condition',
    when: all(isOperation('readdir'), at(/^~\/(?:out|tmp|elsewhere)$/)),
  },
  { consequence: 'none', why: 'tells only whose a working directory is', when: at(/^\/proc\//) },
  {
    consequence: 'none',
    why: 'whether a name is free shows when it is taken',
    when: all(isOperation('statSync'), at(/\.oem-bake-\*$/)),
  },
  {
    consequence: 'none',
    why: 'yargs looks for a package.json, from the working directory up',
    when: all(isOperation('statSync', 'readdirSync'), at(/^(?:~|oem-bake|\/[^.]*|.*\/locales\/en\.json)$/)),
  },
  {
    consequence: 'either',
    why: 'that no file of the name is there is looked at twice, and then made sure of by link(2)',
    when: all(
      isOperation('stat', 'lstat'),
      at(/^~\/out\/(?:edition\.img|coreos_production_openstack_image\.img\.bz2)$/),
    ),
  },
  {
    consequence: 'either',
    why: 'where a file ends is seen by reading nothing',
    when: all(meets('nothing'), at(/(?:\.(?:DIGESTS|sha256|sig|manifest\.json)|raw\/agent|\.oem-bake-\*\/output)$/)),
  },
  {
    consequence: 'either',
    why: 'a head start of the hash that comes to nothing is made again when it is asked for',
    when: all(({ thread }) => thread === 'hash-worker.js', at(/^input\/.*\.bz2$/)),
  },
  {
    consequence: 'either',
    why: 'what lies there already is looked at, and then made sure of by link(2)',
    when: all(isOperation('readFile'), at(/^~\/out\/(?:.*\.DIGESTS|version\.txt)$/)),
  },
  { consequence: 'none', why: 'the image tells its release itself', when: at(/^input\/.*\/version\.txt$/) },
  {
    consequence: 'none',
    why: 'another directory may have the program',
    when: all(isOperation('access', 'stat'), at(/bin\/(?:[lp]?bzip2|gpg)$/)),
  },
  {
    consequence: 'none',
    why: 'an open file without a name is copied by reading it',
    when: all(isOperation('access'), at(/^input\//)),
  },
  {
    consequence: 'either',
    why: 'taking turns with other runs is a courtesy; where an image is fetched to has to be there',
    when: all(isOperation('stat'), at(/^~\/(?:out|tmp\/\.oem-bake-\*)$/)),
  },
  {
    consequence: 'none',
    why: 'the directory of what is temporary is looked through when it goes, and for left-overs of others',
    when: all(isOperation('readdir'), at(/\.oem-bake-\*$/)),
  },
  {
    consequence: 'none',
    why: 'a manifest may leave out the version of a program',
    when: isOperation('spawn for its version'),
  },
  { consequence: 'none', why: 'a filesystem without hard links', when: all(isOperation('link'), meets('EPERM')) },
  {
    consequence: 'none',
    why: 'a directory may be written to that may not be read',
    when: all(isOperation('open'), at(/^~\/(?:out|tmp\/\.oem-bake-\*)$/), meets('EACCES')),
  },
]

/** Exit codes that say of a fault whose problem it is. */
function exitCodesFor({ kind, operation, place }: Aim): readonly number[] {
  if (operation === 'spawn') return [6]
  // Files that somebody gave on the command line, or wrote for a template.
  if (/raw\/(?:agent|cloud-config\.yml)$|\/oem-templates\//.test(place)) return [2, 7]
  // An edition without its manifest may be anybody's.
  if (kind === 'nothing' && place.endsWith('.manifest.json')) return [8]
  // A file that ends too early is another one than it was, or not what it should be.
  return kind === 'nothing' ? [3, 4, 7, 9] : [7]
}

export interface Ending {
  readonly exitCode: number | null
  readonly signalName: string | null
  readonly stderr: string
}

/** @returns what is wrong with how the run ended and with what it said; empty when nothing is */
export function faultsOfEnding(aim: Aim, met: LogLine, undisturbedExitCode: number, ending: Ending): readonly string[] {
  const { exitCode, signalName, stderr } = ending
  if (exitCode === null) return [`ended by ${signalName}: ${stderr}`]
  const consequence = RULES.find(({ when }) => when(aim, aim.kind))?.consequence ?? 'failure'
  if (exitCode === undisturbedExitCode)
    return consequence === 'failure' ? [`exit ${exitCode} as if nothing had happened`] : []
  const errors = stderr.split('\n').filter((line) => line.startsWith('error: '))
  const [error = ''] = errors
  const faults: string[] = []
  if (consequence === 'none') faults.push('failed, where it should do without')
  if (!exitCodesFor(aim).includes(exitCode)) faults.push(`exit code ${exitCode}`)
  if (errors.length !== 1) faults.push(`${errors.length} errors`)
  if (/^\s+at /m.test(stderr)) faults.push('a stack trace')
  // That one is refused for what stands beside it.
  if (!faultsAreOfNeighbour(aim) && !met.paths.some((path) => namesOf(path).some((name) => error.includes(name))))
    faults.push('does not name the path')
  return faults.length === 0 ? [] : [...faults, stderr]
}

const faultsAreOfNeighbour = ({ kind, place }: Aim): boolean => kind === 'nothing' && place.endsWith('.manifest.json')

/** By which of its names a message may call a file. */
function namesOf(path: string): readonly string[] {
  // What lies in a working directory has no name for the user, but where it will be has.
  const workspace = path.indexOf('/.oem-bake-')
  if (path.endsWith('.new') || path.endsWith('.pgp')) return [path, dirname(path)]
  return [path, basename(path), ...(workspace === -1 ? [] : [path.slice(0, workspace)])]
}
