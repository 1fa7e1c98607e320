/**
 * Every verb as data: its words, its flags and what `--help` says of it. Completion scripts and the manual page are made from
 * the same table.
 */
import type { ArgumentsCamelCase, InferredOptionTypes, Options } from 'yargs'
import { BATCH_OPTIONS } from './options/batch.js'
import { CONTENT_OPTIONS, VARIABLE_OPTIONS } from './options/content.js'
import { EDITION_OPTIONS } from './options/editions.js'
import { FETCH_OPTIONS } from './options/fetch.js'
import { IMAGE_OPTIONS } from './options/image.js'
import { OUTPUT_OPTIONS } from './options/output.js'
import { PROVE_OPTIONS } from './options/prove.js'
import { TALK_OPTIONS } from './options/talk.js'
import { TRUST_OPTIONS } from './options/trust.js'
import { UNBAKE_OPTIONS } from './options/unbake.js'

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
  /** As usage lines call it: `IMAGE`. What a command gets has it in small letters. */
  readonly name: string
  readonly values: Values
  readonly describe: string
}

export interface Verb {
  readonly name: VerbName
  readonly summary: string
  /** Behind the program's name. */
  readonly usage: string
  /** What follows the verb, in order. */
  readonly words: readonly Word[]
  readonly options: Readonly<Record<string, Options>>
  readonly examples: readonly Example[]
}

export interface Example {
  /** Behind the program's name. */
  readonly typed: string
  /** What it does, a clause. */
  readonly does: string
}

const IMAGE = { name: 'IMAGE', values: 'file', describe: 'Image: .img.bz2, .bin.bz2, raw or qcow2' } as const

const TABLE = {
  bake: {
    summary: 'Bake an edition and write it beside the image',
    usage: '[bake] IMAGE --template NAME [flags]',
    words: [IMAGE],
    options: { ...CONTENT_OPTIONS, ...EDITION_OPTIONS, ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
    examples: [
      { typed: 'image.img.bz2 --template rackspace', does: 'Writes image.rackspace.img.bz2' },
      { typed: 'image.bin -t ./my-cloud --set region=eu', does: 'A template of your own' },
      { typed: 'image.bin.bz2 -t ec2 -t gce', does: 'Two editions, of one read' },
    ],
  },
  batch: {
    summary: 'Bake all jobs of a file: images and templates',
    usage: 'batch FILE [flags]',
    words: [{ name: 'FILE', values: 'file', describe: 'YAML or JSON file with the jobs' }],
    options: { ...BATCH_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'editions.yaml --resume', does: 'All that is not there yet' }],
  },
  plan: {
    summary: 'Print what a bake would change, and change nothing',
    usage: 'plan IMAGE --template NAME [flags]',
    words: [IMAGE],
    options: { ...CONTENT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'image.img.bz2 -t ec2', does: 'Says what a bake would change' }],
  },
  explain: {
    summary: 'Print what a machine will do at boot, and why',
    usage: 'explain IMAGE [flags]',
    words: [IMAGE],
    options: { ...CONTENT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'image.img.bz2 -t ec2', does: 'Boots that edition on paper' }],
  },
  unbake: {
    summary: 'Take bakes back: make the OEM partition what it was before',
    usage: 'unbake IMAGE --original ORIGINAL [flags]',
    words: [IMAGE],
    options: { ...UNBAKE_OPTIONS, ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'image.ec2.img.bz2 --original image.img.bz2', does: 'Writes the OEM partition of before' }],
  },
  inspect: {
    summary: 'Print what an image is and what its OEM partition holds',
    usage: 'inspect IMAGE [flags]',
    words: [IMAGE],
    options: { ...IMAGE_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'image.img.bz2 --json', does: 'What is in it, for programs' }],
  },
  fetch: {
    summary: 'Download an image of a release, and verify it',
    usage: 'fetch [URL] [--distro NAME --platform NAME] [flags]',
    words: [{ name: 'URL', values: 'text', describe: 'Of an image, instead of the flags that name one' }],
    options: { ...FETCH_OPTIONS, ...TALK_OPTIONS },
    examples: [
      { typed: '--platform openstack', does: 'The current stable Flatcar' },
      { typed: '--distro container-linux --version 2512.3.0', does: 'One release, of CoreOS' },
    ],
  },
  verify: {
    summary: 'Print who vouches for a file; fail if nobody does',
    usage: 'verify FILE [flags]',
    words: [{ name: 'FILE', values: 'file', describe: 'Any file' }],
    options: { ...TRUST_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'image.img.bz2 --key image-key.asc', does: 'Fails unless that key signed it' }],
  },
  keys: {
    summary: 'List keys that signatures are checked with, add one, examine them',
    usage: 'keys [list | add FILE | doctor] [flags]',
    words: [
      { name: 'ACTION', values: ['list', 'add', 'doctor'], describe: 'list, add or doctor' },
      { name: 'FILE', values: 'file', describe: 'File of keys to add' },
    ],
    options: { key: TRUST_OPTIONS.key, ...TALK_OPTIONS },
    examples: [
      { typed: 'add image-key.asc', does: 'Keeps a key for later runs' },
      { typed: 'doctor', does: 'What each kept key is good for' },
    ],
  },
  prove: {
    summary: 'Show that nothing but the OEM partition differs',
    usage: 'prove ORIGINAL BAKED [flags]',
    words: [
      { name: 'ORIGINAL', values: 'file', describe: 'The image as it was published' },
      { name: 'BAKED', values: 'file', describe: 'What somebody made of it' },
    ],
    options: { ...PROVE_OPTIONS, ...TALK_OPTIONS },
    examples: [{ typed: 'image.img.bz2 image.ec2.img.bz2', does: 'Ends with 0 only if it holds' }],
  },
  templates: {
    summary: 'List templates, show or check one, start a new one',
    usage: 'templates [show NAME | check DIR | new NAME [DIR]] [flags]',
    words: [
      { name: 'ACTION', values: ['list', 'show', 'check', 'new'], describe: 'list, show, check or new' },
      { name: 'NAME', values: 'template', describe: 'A template, or the path of its directory' },
      { name: 'DIRECTORY', values: 'directory', describe: 'Where a new one goes' },
    ],
    options: { ...VARIABLE_OPTIONS, ...TALK_OPTIONS },
    examples: [
      { typed: 'show rackspace', does: 'What it writes, for each release' },
      { typed: 'new my-cloud', does: 'Starts one of your own' },
    ],
  },
  rules: {
    summary: 'List what the checks look for, or explain one rule',
    usage: 'rules [NAME] [flags]',
    words: [{ name: 'NAME', values: 'rule', describe: 'A rule, as in brackets behind a finding' }],
    options: { json: TALK_OPTIONS.json },
    examples: [{ typed: '--json', does: 'All of them, for programs' }],
  },
  completion: {
    summary: 'Print a completion script for a shell',
    usage: 'completion bash | zsh | fish',
    words: [{ name: 'SHELL', values: ['bash', 'zsh', 'fish'], describe: 'bash, zsh or fish' }],
    options: {},
    examples: [{ typed: 'bash > ~/.oem-bake-completion', does: 'A script to source' }],
  },
} as const satisfies Readonly<Record<string, Omit<Verb, 'name'>>>

export type VerbName = keyof typeof TABLE

/** Where no verb is typed. */
export const DEFAULT_VERB: VerbName = 'bake'

/** How a verb is typed: `oem-bake plan`. */
export function commandOf(name: VerbName): string {
  return name === DEFAULT_VERB ? 'oem-bake' : `oem-bake ${name}`
}

/** What yargs makes of the words behind a verb, and of its flags. */
export type FlagsOf<Name extends VerbName> = ArgumentsCamelCase<
  InferredOptionTypes<(typeof TABLE)[Name]['options']> & {
    readonly [Given in (typeof TABLE)[Name]['words'][number] as Lowercase<Given['name']>]?: string | undefined
  }
>

/** In the order of `--help`. Object.entries knows no names of fields. */
export const VERBS: readonly Verb[] = Object.entries(TABLE).map(([name, verb]) => ({ name: name as VerbName, ...verb }))
