/**
 * Every parser and decoder that reads what somebody else made. The block codec, cloud-configs and the Ignition checks are
 * also held against outside judges, by fuzzers of their own in `test/full`.
 */
import { BINARY_TARGETS } from './binary-targets.js'
import { OPENPGP_TARGETS } from './openpgp-targets.js'
import type { FuzzTarget } from './target.js'
import { TEXT_TARGETS } from './text-targets.js'

export const TARGETS: readonly FuzzTarget[] = [...BINARY_TARGETS, ...TEXT_TARGETS, ...OPENPGP_TARGETS]
