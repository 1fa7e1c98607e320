/**
 * Ignition configs, as far as they decide whether a machine boots: from bytes to what is asked for and what is wrong with
 * it, and whether the release's Ignition accepts the version.
 *
 * Sources: coreos/ignition config/shared/errors (what is refused), internal/resource/url.go (`oem` scheme: only the URL's
 * path counts, relative to the OEM partition's root).
 */
import { UsageError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { parseJson } from '../json.js'
import { field, isMapping, shapeOf } from '../mapping.js'
import { acceptedSpecs, ignitionVersionOf, isKnownSpec, KNOWN_SPECS } from '../release/ignition-versions.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import { checkConfig, type IgnitionFindings } from './check.js'
import { type IgnitionConfig, readIgnitionConfig } from './config.js'
import { decodeText, notJson } from './not-json.js'
import { IGNITION_RULES } from './rules.js'

export interface ParsedIgnition extends IgnitionConfig {
  /** Paths within the OEM partition that the config reads through `oem://`. */
  readonly oemPaths: readonly string[]
}

/**
 * Reads a config tolerantly: what a check would find makes no difference.
 *
 * @param path where on the OEM partition it is or will be
 * @throws ERR_IGNITION_INVALID for what is no config at all; it says what it is instead
 */
export function parseIgnition(bytes: Uint8Array, file: string, path?: string): ParsedIgnition {
  return readIgnition(bytes, file, path).config
}

/**
 * Reads a config and checks all that depends neither on the release nor on the tree.
 *
 * @throws ERR_IGNITION_INVALID as {@link parseIgnition}
 */
export function checkIgnitionFile(
  bytes: Uint8Array,
  file: string,
  path: string,
): IgnitionFindings & { readonly config: ParsedIgnition } {
  const { config, text } = readIgnition(bytes, file, path)
  return { config, ...checkConfig(text, config.spec, file) }
}

function readIgnition(
  bytes: Uint8Array,
  file: string,
  path: string | undefined,
): { readonly config: ParsedIgnition; readonly text: string } {
  const text = decodeText(bytes, file)
  const parsed = parseJson(text)
  if (parsed.kind === 'fault') throw notJson(text, file, path, parsed.fault)
  if (!isMapping(parsed.value)) {
    throw invalid(
      `${file} is ${shapeOf(parsed.value)}, expected a JSON object`,
      'start with {"ignition": {"version": …}}',
    )
  }
  const spec = specOf(parsed.value, file)
  if (!isKnownSpec(spec)) {
    const experimental = spec.endsWith('-experimental')
    throw invalid(
      `${file} has ignition.version ${JSON.stringify(spec)}, which no release accepts`,
      experimental
        ? `use the stable ${spec.replace('-experimental', '')}`
        : `known versions: ${KNOWN_SPECS.join(', ')}`,
    )
  }
  const config = readIgnitionConfig(parsed.value, spec)
  return { config: { ...config, oemPaths: [...new Set(config.sources.flatMap(oemPath))] }, text }
}

/** Whether the release's Ignition refuses the config's version; nothing is said about an unknown release. */
export function checkSpecAccepted(config: IgnitionConfig, release: ImageRelease, file: string): readonly Finding[] {
  const accepted = acceptedSpecs(release)
  if (accepted === undefined || accepted.includes(config.spec)) return []
  return [
    IGNITION_RULES.found(
      'ignition-spec',
      `config version ${config.spec}: Ignition ${ignitionVersionOf(release)} of ${formatRelease(release)} accepts ${accepted.join(', ')}; with anything else the machine would not boot`,
      {
        place: { file },
        hint: `write the config for version ${accepted.findLast((spec) => !spec.includes('-')) ?? accepted.at(-1)} or older`,
      },
    ),
  ]
}

function specOf(value: unknown, file: string): string {
  const version = field(field(value, 'ignition'), 'version')
  if (typeof version === 'string') return version
  if (field(value, 'ignitionVersion') === 1) return '1'
  throw invalid(
    version === undefined
      ? `${file} has no ignition.version`
      : `${file} has an ignition.version that is ${shapeOf(version)}, expected text`,
    'add "ignition": {"version": "2.1.0"} (3.3.0 for Flatcar from branch 3185 on)',
  )
}

/** A URL that can't be read is no path; `checks/resources.ts` says so. */
function oemPath(source: string): readonly string[] {
  const match = /^oem:\/\/[^/?#]*([^?#]*)/i.exec(source)
  if (match?.[1] === undefined) return []
  try {
    return [new URL(`file://${match[1]}`).pathname].map(decodeURIComponent)
  } catch {
    return []
  }
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_IGNITION_INVALID', message, { hint })
}
