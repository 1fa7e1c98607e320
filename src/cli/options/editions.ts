/**
 * Flags of a bake that may make several editions: more than one `--template`, or `--all`; and which request they fill.
 */
import type { Options } from 'yargs'
import { UsageError } from '../../errors.js'
import type { EditionsRequest } from '../../request.js'
import { CONTENT, type ContentFlags } from './content.js'
import { OUTPUT, type OutputFlags } from './output.js'

export const EDITION_OPTIONS = {
  template: {
    alias: 't',
    type: 'string',
    array: true,
    nargs: 1,
    group: CONTENT,
    describe: 'Provider: a built-in name, or a directory; may be repeated',
  },
  all: {
    type: 'boolean',
    group: CONTENT,
    describe: "Every template made for the image's release",
  },
  'output-dir': {
    type: 'string',
    requiresArg: true,
    group: OUTPUT,
    describe: "Directory to write to, instead of the image's",
  },
} satisfies Record<string, Options>

export interface EditionFlags {
  readonly template?: readonly string[] | undefined
  readonly all?: boolean | undefined
  readonly outputDir?: string | undefined
}

/** What `--template` and `--all` ask for: one edition, or none of a template, or several. @throws ERR_USAGE */
export function askedTemplates({
  all,
  output,
  outputDir,
  template = [],
}: EditionFlags & Pick<OutputFlags, 'output'>): Pick<ContentFlags, 'template'> | Pick<EditionsRequest, 'templates'> {
  if (outputDir === '') {
    throw new UsageError('ERR_USAGE', '--output-dir names no directory', { hint: '--output-dir DIR' })
  }
  if (output !== undefined && outputDir !== undefined) {
    throw new UsageError('ERR_USAGE', '--output and --output-dir both say where the output goes', {
      hint: 'leave one of them out',
    })
  }
  if (all === true && template.length > 0) {
    throw new UsageError('ERR_USAGE', '--all takes every template, and --template was given', {
      hint: 'leave one of them out',
    })
  }
  const [only] = template
  if (all !== true && template.length <= 1) return only === undefined ? {} : { template: only }
  if (output !== undefined) {
    throw new UsageError('ERR_USAGE', `--output ${output} is one name, and several editions were asked for`, {
      hint: '--output-dir DIR chooses the directory; each edition is named after its template',
    })
  }
  return { templates: all === true ? 'all' : template }
}
