/**
 * All that manifest and provenance are made from: what a bake was asked, what it saw, what it made.
 */
import type { OemContent } from '../oem/content.js'
import type { PreviousDigests } from '../oem/previous-digests.js'
import type { PhaseTime } from '../phase-times.js'
import type { PlanReport } from '../report.js'
import type { BakeRequest } from '../request.js'
import type { Digests } from '../source/file-hash.js'
import type { Tool } from './tools.js'

/** A file that a bake read, or wrote, without the directory that it lies in. */
export interface NamedFile {
  readonly name: string
  readonly digests: Digests
}

/** What differs from run to run, though nothing else does. */
export interface RunTimes {
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly phases: readonly PhaseTime[]
}

/** Whose signature is published beside the output: fingerprints, upper-case hex. */
export interface SignedBy {
  /** Of the key that signed, a subkey perhaps. */
  readonly key: string
  readonly primary: string
}

export interface BakeRecord {
  /** An unbake has no content, and an original in its request. */
  readonly verb: 'bake' | 'unbake'
  readonly request: BakeRequest
  readonly content: OemContent
  readonly seen: PlanReport
  readonly input: NamedFile
  /** What files were brought back from, where a provenance is to name it. */
  readonly original: NamedFile | undefined
  readonly previous: PreviousDigests
  readonly output: NamedFile & { readonly sizeBytes: number }
  /** The outside program that encoded it, if one did. */
  readonly encoder: string | undefined
  readonly signedBy: SignedBy | undefined
  readonly tools: readonly Tool[]
  /** Seconds since 1970, when the request or the environment sets a clock. */
  readonly sourceDateEpoch: number | undefined
  /** Left out where somebody wants the same bytes every time. */
  readonly times: RunTimes | undefined
}
