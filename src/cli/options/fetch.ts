/** Flags of `fetch`. */
import type { Options } from 'yargs'
import { DISTROS } from '../../fetch/publisher.js'
import { RETRY_POLICY } from '../../fetch/retry.js'
import { OUTPUT } from './output.js'
import { TRUST_OPTIONS } from './trust.js'

const RELEASE = 'Which image:'

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
