/** What a benchmark has found out, before anything is made of it; and the only arithmetic on it, medians and ratios. */
import type { CodecSpeed } from './block-codec.js'
import type { BenchImage } from './images.js'
import type { ImageVerdict } from './judge.js'
import type { Subject, Way } from './subjects.js'

export interface SubjectResult {
  readonly subject: Subject
  readonly runs: number
  /** Median. */
  readonly seconds: number
  /** The highest of all runs. */
  readonly peakMiB: number
  /** Median. */
  readonly writtenBytes: number
  /** Ours: what strace saw opened for writing; others: what lay beside the output afterwards. */
  readonly otherFiles: readonly string[]
}

export interface BenchResults {
  readonly subjects: readonly SubjectResult[]
  readonly verdicts: readonly ImageVerdict[]
  readonly codec: CodecSpeed | undefined
}

export function resultOf(results: BenchResults, image: BenchImage, way: Way): SubjectResult | undefined {
  return results.subjects.find(({ subject }) => subject.image === image && subject.way === way)
}

/** How many times the seconds of one way are those of another; undefined when one was not measured. */
export function timeRatio(results: BenchResults, image: BenchImage, way: Way, against: Way): number | undefined {
  const over = resultOf(results, image, way)?.seconds
  const under = resultOf(results, image, against)?.seconds
  return over === undefined || under === undefined ? undefined : over / under
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? Number.NaN)) / 2
}
