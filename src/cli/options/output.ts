/** Flags for what is written, and where. */

import type { Options } from 'yargs'
import { UsageError } from '../../errors.js'
import { given } from '../../given.js'
import { nearestName } from '../../oem/nearest.js'
import type { OutputRequest, SideFileChoice } from '../../request.js'

/** Heading of `--help`. */
export const OUTPUT = 'Where it goes:'

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

export interface OutputFlags {
  readonly output?: string | undefined
  readonly label?: boolean | undefined
  readonly force?: boolean | undefined
  readonly with?: string | undefined
  readonly sign?: string | undefined
  readonly recompress?: boolean | undefined
  readonly level?: number | undefined
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
  return given({
    recompress: recompress === true ? { level } : undefined,
    with: flags.with === undefined ? undefined : parseSideFiles(flags.with),
    sign: flags.sign,
    output: flags.output,
    label: flags.label,
    force: flags.force,
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
