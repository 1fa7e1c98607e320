/**
 * Ignition configs, as far as they decide whether a machine boots: JSON, a version that its Ignition accepts, and
 * `oem://` files that are there.
 *
 * Sources: coreos/ignition config/shared/errors (what is refused), internal/resource/url.go (`oem` scheme: only the URL's
 * path counts, relative to the OEM partition's root). Left out: the schemas of single versions.
 */
import { UsageError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { parseJson } from '../json.js'
import { field, isMapping, shapeOf } from '../mapping.js'
import { acceptedSpecs, ignitionVersionOf, isKnownSpec, KNOWN_SPECS } from '../release/ignition-versions.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import { type IgnitionConfig, readIgnitionConfig } from './config.js'
import { IGNITION_RULES } from './rules.js'

export interface ParsedIgnition extends IgnitionConfig {
  /** Paths within the OEM partition that the config reads through `oem://`. */
  readonly oemPaths: readonly string[]
}

/**
 * Parses a config and checks what does not depend on the image.
 *
 * @throws ERR_IGNITION_INVALID; for what is no JSON it says what it is instead
 */
export function parseIgnition(bytes: Uint8Array, file: string): ParsedIgnition {
  const text = decode(bytes, file)
  const parsed = parseJson(text)
  if (parsed.kind === 'fault') throw notJson(text, file, parsed.fault)
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
  return { ...config, oemPaths: [...new Set(config.sources.flatMap((source) => oemPath(source, file)))] }
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

function oemPath(source: string, file: string): readonly string[] {
  const match = /^oem:\/\/[^/?#]*([^?#]*)/i.exec(source)
  if (match?.[1] === undefined) return []
  try {
    return [new URL(`file://${match[1]}`).pathname].map(decodeURIComponent)
  } catch (error) {
    throw new UsageError('ERR_IGNITION_INVALID', `${file} has a URL that can't be read: ${source}`, {
      hint: 'write oem:///path/of/the/file',
      cause: error,
    })
  }
}

function notJson(text: string, file: string, fault: { line: number; column: number; found: string }): UsageError {
  const firstLine = text.split('\n', 1)[0]?.trimEnd() ?? ''
  if (text.trim() === '') {
    return invalid(
      `${file} is empty; Ignition would stop the boot, or drop user data`,
      'give a config, or leave it out',
    )
  }
  if (text.startsWith('\ufeff')) return invalid(`${file} starts with a byte order mark`, 'save it as UTF-8 without one')
  if (firstLine === '#cloud-config') {
    return invalid(
      `${file} is a cloud-config, expected an Ignition config in JSON`,
      'give it with --cloud-config instead',
    )
  }
  if (firstLine.startsWith('#!')) {
    return invalid(
      `${file} is a script, expected an Ignition config in JSON`,
      'add it with --file, and a unit that runs it',
    )
  }
  if (/^variant:/m.test(text)) {
    return invalid(
      `${file} is a Butane config in YAML, expected its JSON`,
      `run butane --strict ${file} and give its output`,
    )
  }
  if (!/^\s*[{[]/.test(text)) {
    return invalid(
      `${file} is not JSON: line ${fault.line}, column ${fault.column}, found ${fault.found}; it looks like YAML`,
      'translate it first: ct for a Container Linux Config, butane for a Butane config',
    )
  }
  return new UsageError(
    'ERR_IGNITION_INVALID',
    `${file}, line ${fault.line}, column ${fault.column}: not valid JSON, found ${fault.found}`,
    { hint: `look at line ${fault.line} of ${file}`, details: { line: fault.line, column: fault.column } },
  )
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b
    throw new UsageError('ERR_IGNITION_INVALID', `${file} is ${gzip ? 'gzip' : 'not UTF-8 text'}, expected JSON`, {
      hint: gzip ? 'unpack it first' : 'save it as UTF-8',
      cause: error,
    })
  }
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_IGNITION_INVALID', message, { hint })
}
