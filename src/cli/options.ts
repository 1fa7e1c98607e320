/**
 * Every flag, once: what it is called, what it means, and which field of the request it fills.
 *
 * Groups follow what a person wants to do, and are the headings of `--help`. Nothing is looked up here; parsing a flag's
 * own grammar (`SRC:DEST[:MODE]`, `k=v`) is all that can fail.
 */
import type { Options } from 'yargs'
import { UsageError } from '../errors.js'
import { DISTROS } from '../fetch/publisher.js'
import { RETRY_POLICY } from '../fetch/retry.js'
import { nearestName } from '../oem/nearest.js'
import {
  asksForContent,
  type ContentRequest,
  type ImageRequest,
  type OutputRequest,
  type RequestedFile,
  type SideFileChoice,
  type TrustRequest,
} from '../request.js'

const CONTENT = 'What goes onto the OEM partition:'
const OUTPUT = 'Where it goes:'
const RELEASE = 'Which image:'
const TRUST = 'Who vouches for the image:'
const IMAGE = 'How the image is opened:'
const TALK = 'What is said:'

export const CONTENT_OPTIONS = {
  template: {
    alias: 't',
    type: 'string',
    requiresArg: true,
    group: CONTENT,
    describe: 'Provider: a built-in name, or a directory',
  },
  set: { type: 'string', array: true, nargs: 1, group: CONTENT, describe: 'Template variable, as NAME=VALUE' },
  vars: { type: 'string', requiresArg: true, group: CONTENT, describe: 'YAML or JSON file of template variables' },
  'cloud-config': { type: 'string', requiresArg: true, group: CONTENT, describe: 'File for /cloud-config.yml' },
  ignition: {
    type: 'string',
    requiresArg: true,
    group: CONTENT,
    describe: 'Ignition config (JSON) for the OEM partition',
  },
  'ignition-as': {
    choices: ['base', 'default', 'config'] as const,
    requiresArg: true,
    default: 'base' as const,
    group: CONTENT,
    describe: 'Its place: base/base.ign, base/default.ign or config.ign',
  },
  'oem-id': {
    type: 'string',
    requiresArg: true,
    group: CONTENT,
    describe: 'OEM id for grub.cfg: the Ignition platform',
  },
  'oem-id-unchecked': { type: 'boolean', group: CONTENT, describe: 'Take an OEM id that the release does not know' },
  file: { type: 'string', array: true, nargs: 1, group: CONTENT, describe: 'Add a file or folder, as SRC:DEST[:MODE]' },
  remove: { type: 'string', array: true, nargs: 1, group: CONTENT, describe: 'Remove a path' },
  existing: {
    choices: ['auto', 'merge', 'replace', 'refuse'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: CONTENT,
    describe: "What to do with files that are there; auto replaces a known vendor's",
  },
  'allow-booted': { type: 'boolean', group: CONTENT, describe: 'Take an image that has been booted' },
  original: {
    type: 'string',
    requiresArg: true,
    group: CONTENT,
    describe: 'Of a baked image: the one before, to bring its files back',
  },
  strict: { type: 'boolean', group: CONTENT, describe: 'Treat warnings as errors' },
  ignore: { type: 'string', array: true, nargs: 1, group: CONTENT, describe: "Don't count what this rule finds" },
} satisfies Record<string, Options>

export const TRUST_OPTIONS = {
  verify: {
    choices: ['auto', 'require', 'off'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: TRUST,
    describe: 'Check what is there; require a good signature; check nothing',
  },
  signature: {
    type: 'string',
    requiresArg: true,
    group: TRUST,
    describe: 'Its OpenPGP signature, if not IMAGE.sig or IMAGE.asc',
  },
  digests: {
    type: 'string',
    requiresArg: true,
    group: TRUST,
    describe: 'Its digest file, if not IMAGE.DIGESTS or the like',
  },
  key: { type: 'string', array: true, nargs: 1, group: TRUST, describe: 'File with a key that it may be signed by' },
} satisfies Record<string, Options>

export const IMAGE_OPTIONS = {
  engine: {
    choices: ['auto', 'embedded', 'libguestfs'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: IMAGE,
    describe: 'What edits the filesystem',
  },
  release: {
    type: 'string',
    requiresArg: true,
    group: IMAGE,
    describe: 'As container-linux:2512.3.0, if not in the image',
  },
  'max-size': {
    type: 'string',
    requiresArg: true,
    group: IMAGE,
    describe: 'Most that the image may decode to: bytes, or 64GiB',
  },
  cache: { type: 'boolean', default: true, group: IMAGE, describe: 'Remember what is known of an image (--no-cache)' },
  'tmp-dir': { type: 'string', requiresArg: true, group: IMAGE, describe: 'Directory for temporary files' },
  ...TRUST_OPTIONS,
} satisfies Record<string, Options>

/** What `prove` takes of them. */
export const PROVE_OPTIONS = {
  engine: { ...IMAGE_OPTIONS.engine, group: 'How the images are opened:', describe: 'What reads the filesystems' },
  'max-size': { ...IMAGE_OPTIONS['max-size'], group: 'How the images are opened:' },
  'tmp-dir': { ...IMAGE_OPTIONS['tmp-dir'], group: 'How the images are opened:' },
  ...TRUST_OPTIONS,
} satisfies Record<string, Options>

export const OUTPUT_OPTIONS = {
  output: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    group: OUTPUT,
    describe: 'File to write; - for standard output',
  },
  label: { type: 'boolean', group: OUTPUT, describe: 'Put the release into the name of the output' },
  force: { alias: 'f', type: 'boolean', group: OUTPUT, describe: 'Replace an existing output' },
  with: {
    type: 'string',
    requiresArg: true,
    group: OUTPUT,
    describe: 'Files beside it: sha256, manifest, digests, provenance; all or none',
  },
  sign: { type: 'string', requiresArg: true, group: OUTPUT, describe: 'Key that gpg signs it with' },
  recompress: { type: 'boolean', group: OUTPUT, describe: 'Compress all of it anew, not only what changed' },
  level: {
    type: 'number',
    requiresArg: true,
    group: OUTPUT,
    describe: 'bzip2 level of --recompress, 1 to 9',
  },
} satisfies Record<string, Options>

export const FETCH_OPTIONS = {
  distro: {
    choices: DISTROS,
    requiresArg: true,
    default: 'flatcar' as const,
    group: RELEASE,
    describe: 'Whose image',
  },
  channel: { type: 'string', requiresArg: true, default: 'stable', group: RELEASE, describe: 'Release channel' },
  arch: { type: 'string', requiresArg: true, default: 'amd64', group: RELEASE, describe: 'amd64 or arm64' },
  platform: {
    type: 'string',
    requiresArg: true,
    default: 'generic',
    group: RELEASE,
    describe: 'What it is made for: openstack, ami…; generic for none',
  },
  version: {
    type: 'string',
    requiresArg: true,
    default: 'current',
    group: RELEASE,
    describe: 'current, or X.Y.Z',
  },
  mirror: {
    type: 'string',
    requiresArg: true,
    group: RELEASE,
    describe: "URL that has what lies below the channel's server",
  },
  directory: {
    alias: 'C',
    type: 'string',
    requiresArg: true,
    default: '.',
    group: OUTPUT,
    describe: 'Where the files go',
  },
  force: { alias: 'f', type: 'boolean', group: OUTPUT, describe: 'Replace files of the same names' },
  cache: { type: 'boolean', default: true, group: OUTPUT, describe: 'Keep a copy, and take a kept one (--no-cache)' },
  retries: {
    type: 'number',
    requiresArg: true,
    default: RETRY_POLICY.retries,
    group: OUTPUT,
    describe: 'Failures in a row that are borne',
  },
  verify: TRUST_OPTIONS.verify,
  key: TRUST_OPTIONS.key,
} satisfies Record<string, Options>

export const TALK_OPTIONS = {
  json: { type: 'boolean', group: TALK, describe: 'One JSON document on standard output' },
  progress: {
    choices: ['auto', 'tty', 'plain', 'json', 'none'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: TALK,
    describe: 'How progress is shown, on standard error',
  },
  quiet: { alias: 'q', type: 'boolean', group: TALK, describe: 'Only results, warnings and errors' },
} satisfies Record<string, Options>

/** Of `unbake`. */
export const UNBAKE_OPTIONS = {
  original: {
    type: 'string',
    requiresArg: true,
    group: CONTENT,
    describe: 'The image as it was before the first bake',
  },
  existing: {
    choices: ['auto', 'merge', 'replace'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: CONTENT,
    describe: 'What to do with what somebody else changed; auto refuses',
  },
  plan: { type: 'boolean', group: CONTENT, describe: 'Print what would change, and change nothing' },
} satisfies Record<string, Options>

export interface UnbakeFlags {
  readonly original?: string | undefined
  readonly existing: 'auto' | 'merge' | 'replace'
  readonly plan?: boolean | undefined
}

/** What `templates` takes of them. */
export const VARIABLE_OPTIONS = {
  set: CONTENT_OPTIONS.set,
  vars: CONTENT_OPTIONS.vars,
} satisfies Record<string, Options>

/** Flags as yargs gives them, with the array and choice types that its inference loses. */
export interface ContentFlags {
  readonly template?: string | undefined
  readonly set?: readonly string[] | undefined
  readonly vars?: string | undefined
  readonly cloudConfig?: string | undefined
  readonly ignition?: string | undefined
  readonly ignitionAs: 'base' | 'default' | 'config'
  readonly oemId?: string | undefined
  readonly oemIdUnchecked?: boolean | undefined
  readonly file?: readonly string[] | undefined
  readonly remove?: readonly string[] | undefined
  readonly existing: 'auto' | 'merge' | 'replace' | 'refuse'
  readonly allowBooted?: boolean | undefined
  readonly original?: string | undefined
  readonly strict?: boolean | undefined
  readonly ignore?: readonly string[] | undefined
}

export interface TrustFlags {
  readonly verify: 'auto' | 'require' | 'off'
  readonly signature?: string | undefined
  readonly digests?: string | undefined
  readonly key?: readonly string[] | undefined
}

export interface ImageFlags extends TrustFlags {
  readonly image?: string | undefined
  readonly engine: 'auto' | 'embedded' | 'libguestfs'
  readonly release?: string | undefined
  readonly tmpDir?: string | undefined
  readonly cache?: boolean | undefined
  readonly maxSize?: string | undefined
}

export interface TalkFlags {
  readonly json?: boolean | undefined
  readonly progress: 'auto' | 'tty' | 'plain' | 'json' | 'none'
  readonly quiet?: boolean | undefined
}

export interface OutputFlags {
  readonly output?: string | undefined
  readonly label?: boolean | undefined
  readonly force?: boolean | undefined
  readonly with?: string | undefined
  readonly sign?: string | undefined
  readonly recompress?: boolean | undefined
  readonly level?: number | undefined
}

/** @throws ERR_USAGE without an image, or for a size that is none */
export function imageRequest(flags: ImageFlags): ImageRequest {
  return {
    image: fileOf(flags, 'oem-bake IMAGE --template NAME'),
    engine: flags.engine,
    ...trustRequest(flags),
    ...(flags.release === undefined ? {} : { release: flags.release }),
    ...(flags.tmpDir === undefined ? {} : { tmpDir: flags.tmpDir }),
    ...(flags.cache === undefined ? {} : { cache: flags.cache }),
    ...(flags.maxSize === undefined ? {} : { maxSizeBytes: parseSize(flags.maxSize) }),
  }
}

/** The first word after the verb. @param usage how to type it @throws ERR_USAGE without one */
export function fileOf({ image }: { readonly image?: string | undefined }, usage: string): string {
  // What yargs makes of a single hyphen.
  if (image === '') {
    throw new UsageError('ERR_USAGE', 'an image is read from a file, not from standard input or an empty name', {
      hint: 'save the image to a file first: it has to be read more than once',
    })
  }
  if (image !== undefined) return image
  throw new UsageError('ERR_USAGE', 'no image was named', { hint: `${usage}; see oem-bake --help` })
}

export function trustRequest({ digests, key, signature, verify }: TrustFlags): TrustRequest {
  return {
    verify,
    ...(signature === undefined ? {} : { signature }),
    ...(digests === undefined ? {} : { digests }),
    ...(key === undefined ? {} : { keys: key }),
  }
}

/** @throws ERR_USAGE for a flag whose own grammar is broken, or when nothing at all is to be baked */
export function contentRequest(flags: ContentFlags): ContentRequest {
  const request = contentOptions(flags)
  if (asksForContent(request)) return request
  throw new UsageError(
    'ERR_USAGE',
    'nothing was asked for: no template, no cloud-config, no Ignition config, no file',
    {
      hint: 'oem-bake IMAGE --template rackspace; oem-bake templates lists all there are',
    },
  )
}

/** The same where nothing need be asked for. @throws ERR_USAGE for a flag whose own grammar is broken */
export function contentOptions(flags: ContentFlags): ContentRequest {
  return {
    existing: flags.existing,
    ...(flags.template === undefined ? {} : { template: flags.template }),
    ...(flags.set === undefined ? {} : { variables: Object.fromEntries(flags.set.map(parseAssignment)) }),
    ...(flags.vars === undefined ? {} : { variablesFile: flags.vars }),
    ...(flags.cloudConfig === undefined ? {} : { cloudConfig: flags.cloudConfig }),
    ...(flags.ignition === undefined ? {} : { ignition: { path: flags.ignition, as: flags.ignitionAs } }),
    ...(flags.oemId === undefined ? {} : { oemId: flags.oemId }),
    ...(flags.oemIdUnchecked === undefined ? {} : { oemIdUnchecked: flags.oemIdUnchecked }),
    ...(flags.file === undefined ? {} : { files: flags.file.map(parseFile) }),
    ...(flags.remove === undefined ? {} : { remove: flags.remove }),
    ...(flags.allowBooted === undefined ? {} : { allowBooted: flags.allowBooted }),
    ...(flags.original === undefined ? {} : { original: flags.original }),
    ...(flags.strict === undefined ? {} : { strict: flags.strict }),
    ...(flags.ignore === undefined ? {} : { ignore: flags.ignore }),
  }
}

/** @throws ERR_USAGE for a level that is none or is asked for without --recompress or for unknown side files */
export function outputRequest(
  flags: OutputFlags,
): Pick<OutputRequest, 'output' | 'label' | 'force' | 'with' | 'sign' | 'recompress'> {
  const { level, recompress } = flags
  if (level !== undefined && (recompress !== true || !Number.isInteger(level) || level < 1 || level > 9)) {
    throw new UsageError('ERR_USAGE', `--level ${level}: expected 1 to 9, together with --recompress`, {
      hint: '--recompress --level 9',
    })
  }
  return {
    ...(recompress === true ? { recompress: { level } } : {}),
    ...(flags.with === undefined ? {} : { with: parseSideFiles(flags.with) }),
    ...(flags.sign === undefined ? {} : { sign: flags.sign }),
    ...(flags.output === undefined ? {} : { output: flags.output }),
    ...(flags.label === undefined ? {} : { label: flags.label }),
    ...(flags.force === undefined ? {} : { force: flags.force }),
  }
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** `--max-size`: bytes, or a whole number of a unit. @throws ERR_USAGE */
export function parseSize(text: string): number {
  const [, count, unit] = /^(\d{1,16})(|[KMGT]iB)$/.exec(text) ?? []
  const bytes = Number(count ?? Number.NaN) * (SIZE_UNITS[unit ?? ''] ?? Number.NaN)
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  throw new UsageError('ERR_USAGE', `--max-size ${text}: expected a number of bytes, or of KiB, MiB, GiB or TiB`, {
    hint: '--max-size 64GiB',
  })
}

/** `NAME=VALUE` of `--set`. @throws ERR_USAGE */
export function parseAssignment(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new UsageError('ERR_USAGE', `--set ${text}: expected NAME=VALUE`, {
    hint: `--set ${text === '' || at === 0 ? 'NAME' : text}=VALUE`,
  })
}

const SIDE_FILES: readonly SideFileChoice[] = ['sha256', 'manifest', 'digests', 'provenance']
const SIDE_FILES_HINT = `--with ${SIDE_FILES.join(',')}; all and none stand alone`

/** `--with`: some of what there is, with commas between; or `all`, or `none`. @throws ERR_USAGE */
export function parseSideFiles(text: string): readonly SideFileChoice[] {
  if (text === 'none') return []
  if (text === 'all') return SIDE_FILES
  return text.split(',').map((word) => {
    const known = SIDE_FILES.find((name) => name === word)
    if (known !== undefined) return known
    const nearest = nearestName(word, SIDE_FILES)
    throw new UsageError('ERR_USAGE', `--with ${text}: ${JSON.stringify(word)} is no file that can be published`, {
      hint: nearest === undefined ? SIDE_FILES_HINT : `did you mean ${nearest}? ${SIDE_FILES_HINT}`,
    })
  })
}

/** `SRC:DEST[:MODE]`. The destination starts at the first `:/`, so that a source may hold colons. */
function parseFile(text: string): RequestedFile {
  const match = /^(.+?):(\/[^:]*)(?::([0-7]{3,4}))?$/.exec(text)
  const [, source, destination, mode] = match ?? []
  if (source === undefined || destination === undefined) {
    throw new UsageError(
      'ERR_USAGE',
      `--file ${text}: expected SRC:DEST[:MODE], with an absolute DEST and an octal MODE`,
      {
        hint: '--file ./nova-agent:/bin/nova-agent:0755',
      },
    )
  }
  return { source, destination, ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }) }
}

/**
 * Refuses flags that nobody defined, with the nearest one that somebody did.
 *
 * @param given names as typed, without dashes
 * @param known every name and alias
 * @throws ERR_USAGE
 */
export function assertKnownFlags(given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const suggestion = nearestName(
    unknown,
    known.filter((name) => name.length > 1),
  )
  throw new UsageError('ERR_USAGE', `unknown flag ${unknown.length === 1 ? '-' : '--'}${unknown}`, {
    hint: suggestion === undefined ? 'see oem-bake --help' : `did you mean --${suggestion}?`,
  })
}

/**
 * Refuses a second value for a flag that takes one: whether the first or the last counts is nobody's guess.
 *
 * @param given names and aliases as typed, without dashes
 * @throws ERR_USAGE
 */
export function assertGivenOnce(given: readonly string[], set: Readonly<Record<string, Options>>): void {
  for (const [name, { alias, array }] of Object.entries(set)) {
    if (array === true || given.filter((typed) => typed === name || typed === alias).length < 2) continue
    throw new UsageError('ERR_USAGE', `--${name} was given twice`, { hint: `give --${name} once` })
  }
}
