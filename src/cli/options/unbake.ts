/** Flags of `unbake`. */
import type { Options } from 'yargs'
import { CONTENT } from './content.js'

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
    describe: 'What somebody else changed: merge leaves it, replace undoes it, auto stops at it',
  },
  plan: { type: 'boolean', group: CONTENT, describe: 'Print what would change, and change nothing' },
} satisfies Record<string, Options>

export interface UnbakeFlags {
  readonly original?: string | undefined
  readonly existing: 'auto' | 'merge' | 'replace'
  readonly plan?: boolean | undefined
}
