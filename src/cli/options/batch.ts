/** Flags of `batch`. */
import type { Options } from 'yargs'
import { OUTPUT_OPTIONS } from './output.js'

const JOBS = 'How the jobs are done:'

export const BATCH_OPTIONS = {
  jobs: {
    alias: 'j',
    type: 'number',
    requiresArg: true,
    group: JOBS,
    describe: 'Most at once; by cores and memory if not given',
  },
  resume: {
    type: 'boolean',
    group: JOBS,
    describe: 'Keep outputs whose manifest still fits',
  },
  force: {
    ...OUTPUT_OPTIONS.force,
    group: JOBS,
    describe: 'Replace existing outputs, of every job',
  },
} satisfies Record<string, Options>
