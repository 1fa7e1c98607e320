/**
 * Flags for what goes onto the OEM partition, and the request that they fill. All that can fail here is a flag's own grammar:
 * nothing is looked up.
 */

import type { Options } from 'yargs'
import { assertAsksForContent } from '../../assert-request.js'
import { UsageError } from '../../errors.js'
import { given } from '../../given.js'
import type { ContentRequest, RequestedFile } from '../../request.js'

/** Heading of `--help`. */
export const CONTENT = 'What goes onto the OEM partition:'

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
  'oem-id-unchecked': { type: 'boolean', group: CONTENT, describe: 'Take an OEM id unknown to the release' },
  file: { type: 'string', array: true, nargs: 1, group: CONTENT, describe: 'Add a file or folder, as SRC:DEST[:MODE]' },
  remove: { type: 'string', array: true, nargs: 1, group: CONTENT, describe: 'Remove a path' },
  existing: {
    choices: ['auto', 'merge', 'replace', 'refuse'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: CONTENT,
    describe:
      "Files that are there: merge keeps them, replace removes them, refuse stops; auto replaces a known vendor's, and stops at others",
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

/** @throws ERR_USAGE for a flag whose own grammar is broken, or when nothing at all is to be baked */
export function contentRequest(flags: ContentFlags): ContentRequest {
  const request = contentOptions(flags)
  assertAsksForContent(request)
  return request
}

/** The same where nothing need be asked for. @throws ERR_USAGE for a flag whose own grammar is broken */
export function contentOptions(flags: ContentFlags): ContentRequest {
  return given({
    ...variablesRequest(flags),
    template: flags.template,
    cloudConfig: flags.cloudConfig,
    ignition: flags.ignition === undefined ? undefined : { path: flags.ignition, as: flags.ignitionAs },
    oemId: flags.oemId,
    oemIdUnchecked: flags.oemIdUnchecked,
    files: flags.file?.map(parseFile),
    remove: flags.remove,
    existing: flags.existing,
    allowBooted: flags.allowBooted,
    original: flags.original,
    strict: flags.strict,
    ignore: flags.ignore,
  })
}

/** Values for a template's variables. @throws ERR_USAGE for one without a name */
export function variablesRequest({
  set,
  vars,
}: Pick<ContentFlags, 'set' | 'vars'>): Pick<ContentRequest, 'variables' | 'variablesFile'> {
  const variables = set && Object.fromEntries(set.map(parseAssignment))
  return given({ variables, variablesFile: vars })
}

/** `NAME=VALUE` of `--set`. @throws ERR_USAGE */
function parseAssignment(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new UsageError('ERR_USAGE', `--set ${text}: expected NAME=VALUE`, {
    hint: `--set ${text === '' || at === 0 ? 'NAME' : text}=VALUE`,
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
  return given({ source, destination, mode: mode === undefined ? undefined : Number.parseInt(mode, 8) })
}
