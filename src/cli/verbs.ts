/**
 * Every verb as data: what completion scripts and the manual page are made from. `--help` says the same (`test/cli/verbs.test.ts`).
 *
 * Loaded only for those: a bake starts without it.
 */
import type { Options } from 'yargs'
import { BATCH_OPTIONS, EDITION_OPTIONS } from './edition-options.js'
import {
  CONTENT_OPTIONS,
  FETCH_OPTIONS,
  IMAGE_OPTIONS,
  OUTPUT_OPTIONS,
  PROVE_OPTIONS,
  TALK_OPTIONS,
  TRUST_OPTIONS,
  UNBAKE_OPTIONS,
  VARIABLE_OPTIONS,
} from './options.js'

/** What may stand in some place of a command line. */
export type Values =
  /** Paths of files; of directories. */
  | 'file'
  | 'directory'
  /** Names of templates, and paths of their directories. */
  | 'template'
  | 'rule'
  /** One of these. */
  | readonly string[]
  /** Anything: nothing is offered. */
  | 'text'

export interface Word {
  /** As usage lines call it: `IMAGE`. */
  readonly name: string
  readonly values: Values
}

export interface Verb {
  readonly name: string
  readonly summary: string
  /** Behind the program's name. */
  readonly usage: string
  /** What follows the verb, in order. */
  readonly words: readonly Word[]
  readonly options: Readonly<Record<string, Options>>
}

const IMAGE: Word = { name: 'IMAGE', values: 'file' }

export const VERBS: readonly Verb[] = [
  {
    name: 'bake',
    summary: 'Bake an edition and write it beside the image',
    usage: '[bake] IMAGE --template NAME [flags]',
    words: [IMAGE],
    options: { ...CONTENT_OPTIONS, ...EDITION_OPTIONS, ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'batch',
    summary: 'Bake all jobs of a file: images and templates',
    usage: 'batch FILE [flags]',
    words: [{ name: 'FILE', values: 'file' }],
    options: { ...BATCH_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'plan',
    summary: 'Print what a bake would change, and change nothing',
    usage: 'plan IMAGE --template NAME [flags]',
    words: [IMAGE],
    options: { ...CONTENT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'explain',
    summary: 'Print what a machine will do at boot, and why',
    usage: 'explain IMAGE [flags]',
    words: [IMAGE],
    options: { ...CONTENT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'unbake',
    summary: 'Take bakes back: make the OEM partition what it was before',
    usage: 'unbake IMAGE --original ORIGINAL [flags]',
    words: [IMAGE],
    options: { ...UNBAKE_OPTIONS, ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'inspect',
    summary: 'Print what an image is and what its OEM partition holds',
    usage: 'inspect IMAGE [flags]',
    words: [IMAGE],
    options: { ...IMAGE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'fetch',
    summary: 'Download an image of a release, and verify it',
    usage: 'fetch [URL] [--distro NAME --platform NAME] [flags]',
    words: [{ name: 'URL', values: 'text' }],
    options: { ...FETCH_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'verify',
    summary: 'Print who vouches for a file; fail if nobody does',
    usage: 'verify FILE [flags]',
    words: [{ name: 'FILE', values: 'file' }],
    options: { ...TRUST_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'keys',
    summary: 'List keys that signatures are checked with, add one, examine them',
    usage: 'keys [list | add FILE | doctor] [flags]',
    words: [
      { name: 'ACTION', values: ['list', 'add', 'doctor'] },
      { name: 'FILE', values: 'file' },
    ],
    options: { key: TRUST_OPTIONS.key, ...TALK_OPTIONS },
  },
  {
    name: 'prove',
    summary: 'Show that nothing but the OEM partition differs',
    usage: 'prove ORIGINAL BAKED [flags]',
    words: [
      { name: 'ORIGINAL', values: 'file' },
      { name: 'BAKED', values: 'file' },
    ],
    options: { ...PROVE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'templates',
    summary: 'List templates, show or check one, start a new one',
    usage: 'templates [show NAME | check DIR | new NAME [DIR]] [flags]',
    words: [
      { name: 'ACTION', values: ['list', 'show', 'check', 'new'] },
      { name: 'NAME', values: 'template' },
      { name: 'DIR', values: 'directory' },
    ],
    options: { ...VARIABLE_OPTIONS, ...TALK_OPTIONS },
  },
  {
    name: 'rules',
    summary: 'List what the checks look for, or explain one rule',
    usage: 'rules [NAME] [flags]',
    words: [{ name: 'NAME', values: 'rule' }],
    options: { json: TALK_OPTIONS.json },
  },
  {
    name: 'completion',
    summary: 'Print a completion script for a shell',
    usage: 'completion bash | zsh | fish',
    words: [{ name: 'SHELL', values: ['bash', 'zsh', 'fish'] }],
    options: {},
  },
]

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
