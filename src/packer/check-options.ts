/**
 * Options that are right each by itself, looked at together: when a template is validated, not after an hour's build.
 *
 * What only the program that bakes can tell (templates, variables, the grammar of files and levels) is found out by a
 * rehearsal: the bake's own command line with an image that can't be there. Whatever is wrong with the words is said
 * before the image is opened, and then the image is missing, which is what we wanted to hear.
 */

import { UsageError } from '../errors.js'
import { field } from '../oem/mapping.js'
import { commandLineOf, type OptionValue, type OptionValues } from './options.js'
import { type BakeOutcome, failureText } from './run-bake.js'

/** A path that no file can have. */
const NO_IMAGE = '/dev/null/image'
/** HCL2's mark for a value that the build will tell; an action of a JSON template that is left for the same reason. */
const NOT_YET = /<unknown>|\{\{/

/** Causes that the build can't mend. A file may be missing now because the build makes it. */
const FINAL: ReadonlySet<unknown> = new Set([
  'ERR_USAGE',
  'ERR_TEMPLATE_UNKNOWN',
  'ERR_TEMPLATE_INVALID',
  'ERR_VARIABLE_MISSING',
  'ERR_VARIABLE_UNKNOWN',
  'ERR_VARIABLE_INVALID',
  'ERR_OEM_ID_INVALID',
  'ERR_OEM_PATH_INVALID',
])

/** Nothing of it fits when the edition takes the image's own place. */
const OF_A_NEW_FILE = ['output', 'label', 'force', 'with', 'sign']

/** @throws ERR_USAGE */
export function checkOptions(values: OptionValues): void {
  if (values.in_place === true) {
    const set = OF_A_NEW_FILE.filter((name) => values[name] !== undefined)
    if (set.length === 0) return
    throw new UsageError('ERR_USAGE', `in_place and ${set.join(', ')} don't go together`, {
      hint: 'in_place puts the edition where the image was; with output there are two files',
    })
  }
  if (values.output === undefined) {
    throw new UsageError('ERR_USAGE', 'neither output nor in_place is set', {
      // A qemu builder's artifact takes its whole directory with it.
      hint: 'output = "dist/edition.img", outside the directory of the builder; or in_place = true',
    })
  }
  if (values.output === '-') {
    throw new UsageError('ERR_USAGE', 'output: a plugin has no standard output to write an image to', {
      hint: 'output = "dist/edition.img"',
    })
  }
}

/** @returns undefined while there are values that only the build will tell */
export function rehearsalOf(values: OptionValues): readonly string[] | undefined {
  if (Object.values(values).some(isOpen)) return undefined
  return ['bake', NO_IMAGE, ...commandLineOf(values)]
}

function isOpen(value: OptionValue): boolean {
  return NOT_YET.test(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** @throws ERR_USAGE with the program's own words */
export function assertRehearsed(outcome: BakeOutcome): void {
  if (FINAL.has(field(field(outcome.document, 'error'), 'code')))
    throw new UsageError('ERR_USAGE', failureText(outcome))
}
