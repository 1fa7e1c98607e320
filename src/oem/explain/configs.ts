/**
 * The Ignition configs of the OEM partition: which of them apply on this release, when, and why the others don't.
 *
 * Ignition runs on the first boot only. Sources: coreos/bootengine and flatcar/bootengine
 * dracut/30ignition/ignition-setup.sh; coreos/ignition internal/exec/engine.go (base always, default where there is no user
 * config; an empty or invalid base config stops the boot).
 */
import { UsageError } from '../../errors.js'
import { type ParsedIgnition, parseIgnition } from '../ignition/ignition.js'
import { BASE_IGN_PATH, CONFIG_IGN_PATH, DEFAULT_IGN_PATH, noEffectOf } from '../release/eras.js'
import { acceptedSpecs, ignitionVersionOf } from '../release/ignition-versions.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import { configUrlArguments, oemConfigsRead } from '../release/user-config.js'
import type { ConfigExplanation, KernelCommandLine } from './explanation.js'
import { argumentValue } from './kernel-command-line.js'
import { type BootTree, hasFile } from './tree.js'

export type ConfigPath = typeof BASE_IGN_PATH | typeof DEFAULT_IGN_PATH | typeof CONFIG_IGN_PATH

export interface FoundConfig {
  readonly path: ConfigPath
  readonly explanation: ConfigExplanation
  /** Undefined when it can't be read. */
  readonly config: ParsedIgnition | undefined
  /** Why it keeps the machine from booting. */
  readonly stops: string | undefined
}

/** A zero-byte config.ign is no user config, and still no user data is fetched. */
export interface UserConfigGiven {
  /** The URL on the kernel command line. */
  readonly url: string | undefined
  readonly configIgn: 'absent' | 'empty' | 'there'
}

const ORDER: readonly ConfigPath[] = [BASE_IGN_PATH, CONFIG_IGN_PATH, DEFAULT_IGN_PATH]

export function findConfigs(tree: BootTree, release: ImageRelease, given: UserConfigGiven): readonly FoundConfig[] {
  return ORDER.filter((path) => hasFile(tree, path)).map((path) => findConfig(tree, release, path, given))
}

export function userConfigGiven(
  tree: BootTree,
  release: ImageRelease,
  line: KernelCommandLine | undefined,
): UserConfigGiven {
  const read = oemConfigsRead(release)
  const names = configUrlArguments(release)
  const urls = line === undefined || names === 'unknown' ? [] : names.flatMap((name) => argumentValue(line, name) ?? [])
  const there = read !== 'unknown' && read.config && hasFile(tree, CONFIG_IGN_PATH)
  return {
    url: urls.find((url) => url !== ''),
    configIgn: !there ? 'absent' : tree.contents.get(CONFIG_IGN_PATH)?.length === 0 ? 'empty' : 'there',
  }
}

function findConfig(tree: BootTree, release: ImageRelease, path: ConfigPath, given: UserConfigGiven): FoundConfig {
  const { config, fault } = read(tree, path)
  const [use, why] = useOf(path, release, given)
  const trouble =
    use === 'never' || use === 'unknown' ? undefined : (fault ?? refused(config, release) ?? absent(config, tree))
  // An empty config.ign is "no config" to Ignition; every other one that it can't take stops it.
  const stops = trouble === undefined || (path === CONFIG_IGN_PATH && given.configIgn === 'empty') ? undefined : trouble
  return {
    path,
    config,
    stops: stops === undefined ? undefined : `${path} ${stops}`,
    explanation: { path, use, spec: config?.spec, why: stops === undefined ? why : `${why}; but it ${stops}` },
  }
}

function useOf(
  path: ConfigPath,
  release: ImageRelease,
  given: UserConfigGiven,
): readonly [ConfigExplanation['use'], string] {
  const reads = oemConfigsRead(release)
  if (reads === 'unknown' || release.kind === 'unknown')
    return ['unknown', 'it depends on the release, which is unknown']
  const vain = noEffectOf(path, release)
  if (vain !== undefined) return ['never', vain.why]
  if (path === BASE_IGN_PATH) return ['always', 'Ignition applies it first, whatever the user gives']
  if (given.url !== undefined) return ['never', `the kernel command line names ${given.url} as the user config`]
  if (path === CONFIG_IGN_PATH) {
    return given.configIgn === 'empty'
      ? ['never', 'it is empty: it counts as no config, and still nobody fetches user data']
      : ['as the user config', 'it is used instead of user data, which is not fetched any more']
  }
  return given.configIgn === 'there'
    ? ['never', `${CONFIG_IGN_PATH} is the user config`]
    : ['without a user config', 'Ignition takes it where user data is missing, empty, a cloud-config or a script']
}

function read(
  tree: BootTree,
  path: ConfigPath,
): { readonly config: ParsedIgnition | undefined; readonly fault: string | undefined } {
  const bytes = tree.contents.get(path)
  if (bytes === undefined) return { config: undefined, fault: undefined }
  try {
    return { config: parseIgnition(bytes, path), fault: undefined }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { config: undefined, fault: 'is no config that Ignition can read' }
  }
}

function refused(config: ParsedIgnition | undefined, release: ImageRelease): string | undefined {
  const accepted = acceptedSpecs(release)
  if (config === undefined || accepted === undefined || accepted.includes(config.spec)) return undefined
  return `has version ${config.spec}, which Ignition ${ignitionVersionOf(release)} of ${formatRelease(release)} refuses`
}

function absent(config: ParsedIgnition | undefined, tree: BootTree): string | undefined {
  const missing = config?.oemPaths.filter((path) => !hasFile(tree, path)) ?? []
  return missing.length === 0
    ? undefined
    : `reads ${missing.map((path) => `oem://${path}`).join(', ')}, which is not there`
}
