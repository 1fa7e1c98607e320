/** Flags for what is said, and how. */
import type { Options } from 'yargs'

const TALK = 'What is said:'

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

export interface TalkFlags {
  readonly json?: boolean | undefined
  readonly progress: 'auto' | 'tty' | 'plain' | 'json' | 'none'
  readonly quiet?: boolean | undefined
}
