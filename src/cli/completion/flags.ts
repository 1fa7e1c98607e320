/** A verb's flags as somebody types them, for completion scripts and the manual page. */
import type { Values, Verb } from '../verbs.js'

/** Flags whose values are more than text, and no choices. */
const FLAG_VALUES: Readonly<Record<string, Values>> = {
  template: 'template',
  vars: 'file',
  'cloud-config': 'file',
  ignition: 'file',
  file: 'file',
  original: 'file',
  signature: 'file',
  digests: 'file',
  key: 'file',
  output: 'file',
  'output-dir': 'directory',
  'tmp-dir': 'directory',
  directory: 'directory',
  ignore: 'rule',
  with: ['sha256', 'manifest', 'digests', 'provenance', 'all', 'none'],
  channel: ['stable', 'beta', 'alpha', 'lts', 'edge'],
  arch: ['amd64', 'arm64'],
  version: ['current'],
}

export interface Flag {
  /** Without dashes. */
  readonly name: string
  /** One letter. */
  readonly short: string | undefined
  readonly describe: string
  /** Undefined: it takes none. */
  readonly values: Values | undefined
  readonly repeats: boolean
  /** Heading that `--help` has it under. */
  readonly group: string
}

/** As somebody types them: what is on by default is there with `no-`. */
export function flagsOf({ options }: Verb): readonly Flag[] {
  const flags = Object.entries(options).map(([name, option]): Flag => {
    const { alias, array, choices, describe = '', group = '', type } = option
    const isSwitch = type === 'boolean'
    return {
      name: isSwitch && option.default === true ? `no-${name}` : name,
      short: typeof alias === 'string' ? alias : undefined,
      describe,
      values: isSwitch ? undefined : (choices?.map(String) ?? FLAG_VALUES[name] ?? 'text'),
      repeats: array === true,
      group,
    }
  })
  const help: Flag = {
    ...{ name: 'help', short: 'h', describe: 'Print help and exit', group: 'Options:' },
    ...{ values: undefined, repeats: false },
  }
  return [...flags, help]
}
