/**
 * Says what a file is that should be an Ignition config and is no JSON: each is something that people have at hand and
 * give by mistake.
 *
 * Source: coreos/ignition config/shared/errors/errors.go; Butane's `variant`; ct's top-level keys in
 * coreos/container-linux-config-transpiler doc/configuration.md.
 */
import { UsageError } from '../../errors.js'
import type { JsonFault } from '../json.js'
import { BASE_IGN_PATH, CONFIG_IGN_PATH } from '../release/eras.js'

/** Keys that a Container Linux Config has at its top; Butane's too, but those start with `variant`. */
const CONTAINER_LINUX_CONFIG_KEYS =
  /^(?:ignition|storage|systemd|networkd|passwd|etcd|flannel|docker|update|locksmith):/m

/** @param path where on the OEM partition it would be */
export function notJson(text: string, file: string, path: string | undefined, fault: JsonFault): UsageError {
  const firstLine = text.split('\n', 1)[0]?.trimEnd() ?? ''
  if (text.trim() === '') return invalid(`${file} is empty; ${whatEmptyDoes(path)}`, 'give a config, or leave it out')
  if (text.startsWith('\ufeff')) return invalid(`${file} starts with a byte order mark`, 'save it as UTF-8 without one')
  if (text.startsWith('#cloud-config')) {
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
  if (/^(?:Content-Type|MIME-Version):/i.test(firstLine)) {
    return invalid(
      `${file} is a MIME message, expected an Ignition config in JSON`,
      'give the Ignition part of it alone',
    )
  }
  if (/^variant:/m.test(text)) {
    return invalid(
      `${file} is a Butane config in YAML, expected its JSON`,
      `run butane --strict ${file} and give its output`,
    )
  }
  if (!/^\s*[{[]/.test(text)) {
    const what = CONTAINER_LINUX_CONFIG_KEYS.test(text) ? 'a Container Linux Config in YAML' : 'YAML'
    return invalid(
      `${file} is not JSON: line ${fault.line}, column ${fault.column}, found ${fault.found}; it looks like ${what}`,
      'translate it first: ct for a Container Linux Config, butane for a Butane config',
    )
  }
  return new UsageError(
    'ERR_IGNITION_INVALID',
    `${file}, line ${fault.line}, column ${fault.column}: not valid JSON, found ${fault.found}`,
    { hint: `look at line ${fault.line} of ${file}`, details: { line: fault.line, column: fault.column } },
  )
}

function whatEmptyDoes(path: string | undefined): string {
  if (path === BASE_IGN_PATH) return 'Ignition would stop the boot'
  if (path === CONFIG_IGN_PATH) return 'Ignition would take it for user data, and end users could give none'
  return 'Ignition would stop the boot, or drop user data'
}

/** @throws ERR_IGNITION_INVALID for bytes that are no UTF-8 */
export function decodeText(bytes: Uint8Array, file: string): string {
  const binary = BINARY_STARTS.find(({ start }) => start.every((byte, index) => bytes[index] === byte))
  if (binary !== undefined) throw invalid(`${file} is ${binary.what}, expected JSON in UTF-8`, binary.hint)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new UsageError('ERR_IGNITION_INVALID', `${file} is not UTF-8 text, expected JSON`, {
      hint: 'save it as UTF-8',
      cause: error,
    })
  }
}

const UNPACK = 'unpack it first'
const RECODE = 'save it as UTF-8 without a byte order mark'
const BINARY_STARTS: readonly { readonly start: readonly number[]; readonly what: string; readonly hint: string }[] = [
  { start: [0x1f, 0x8b], what: 'gzip', hint: UNPACK },
  { start: [0x42, 0x5a, 0x68], what: 'bzip2', hint: UNPACK },
  { start: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: 'xz', hint: UNPACK },
  { start: [0x28, 0xb5, 0x2f, 0xfd], what: 'zstd', hint: UNPACK },
  { start: [0xff, 0xfe], what: 'UTF-16', hint: RECODE },
  { start: [0xfe, 0xff], what: 'UTF-16', hint: RECODE },
  // Without a mark: JSON starts with an ASCII character.
  { start: [0x7b, 0x00], what: 'UTF-16', hint: RECODE },
  { start: [0x00, 0x7b], what: 'UTF-16', hint: RECODE },
]

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_IGNITION_INVALID', message, { hint })
}
