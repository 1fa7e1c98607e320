/** What is claimed, beside what was measured. A claim that does not hold fails the benchmark. */
import { OUR_DECODER } from './block-codec.js'
import type { BenchImage } from './images.js'
import { type BenchResults, timeRatio } from './results.js'
import { nameOf, type Way } from './subjects.js'

export interface Target {
  readonly claim: string
  readonly measured: string
  readonly verdict: 'holds' | 'missed' | 'not measured'
}

const HAND: Way = 'by hand, lbzip2'
const COPY: Way = 'cp + fsync'
const PEAK_LIMIT_MIB = 200e6 / 2 ** 20
const DECODER_TIMES_BZIP2 = 1.8
const FULL_TIMES = { raw: 6, qcow2: 5 } as const
const TAIL_TIMES = 60
const CACHED_TIMES_COPY = 3
/** A generic Container Linux image. */
const DECODED_BYTES = 4_756_340_736
const DENSE_BYTES = 700e6

export function targetsOf(results: BenchResults, images: readonly BenchImage[]): readonly Target[] {
  return [...images.flatMap((image) => imageTargets(results, image)), ...overallTargets(results)]
}

function imageTargets(results: BenchResults, image: BenchImage): readonly Target[] {
  const ratio = (over: Way, under: Way): number | undefined => timeRatio(results, image, over, under)
  const full = FULL_TIMES[image.content.kind]
  return [
    ...inputTarget(results, image),
    ...(image.id === 'lbzip2'
      ? [
          atLeast(
            `${image.title}: tail is ${TAIL_TIMES} times as fast as by hand`,
            ratio(HAND, 'oem-bake, tail'),
            TAIL_TIMES,
          ),
        ]
      : []),
    atLeast(`${image.title}: full is ${full} times as fast as by hand`, ratio(HAND, 'oem-bake, full'), full),
    atMost(
      `${image.title}: cached takes at most ${CACHED_TIMES_COPY} times as long as cp + fsync`,
      ratio('oem-bake, cached', COPY),
      CACHED_TIMES_COPY,
    ),
  ]
}

/** That what was measured is what is spoken of. */
function inputTarget(results: BenchResults, image: BenchImage): readonly Target[] {
  if (image.content.kind !== 'raw') return []
  const input = results.verdicts.find((verdict) => verdict.image === image)?.input
  const claim = `${image.title}: ${DECODED_BYTES} bytes, at least ${DENSE_BYTES / 1e6} MB of them dense`
  if (input === undefined) return [notMeasured(claim)]
  const holds = input.bytes === DECODED_BYTES && input.denseBytes >= DENSE_BYTES
  return [target(claim, `${input.bytes} bytes, ${Math.floor(input.denseBytes / 1e6)} MB`, holds)]
}

function overallTargets(results: BenchResults): readonly Target[] {
  const ours = results.subjects.filter(({ subject }) => subject.kind === 'ours')
  const memory = 'oem-bake stays below 200 MB of memory'
  const files = 'oem-bake writes no file but the output and its cache'
  const judged =
    'bzip2, lbzip2, pbzip2 and qemu-img accept every output and find nothing changed outside the OEM partition'
  const decoder = results.codec?.decoders.find(({ name }) => name === OUR_DECODER)
  const highest = ours.toSorted((a, b) => b.peakMiB - a.peakMiB)[0]
  const others = ours.flatMap(({ otherFiles }) => otherFiles)
  const outputs = results.verdicts.reduce((sum, verdict) => sum + verdict.outputs, 0)
  const problems = results.verdicts.flatMap((verdict) => verdict.problems)
  return [
    highest === undefined
      ? notMeasured(memory)
      : target(memory, `${highest.peakMiB} MiB (${nameOf(highest.subject)})`, highest.peakMiB < PEAK_LIMIT_MIB),
    ours.length === 0 ? notMeasured(files) : target(files, others.join(', ') || 'none', others.length === 0),
    outputs === 0
      ? notMeasured(judged)
      : target(judged, `${outputs} outputs; ${problems.join('; ') || 'no problems'}`, problems.length === 0),
    atLeast(
      `a core decodes and checks ${DECODER_TIMES_BZIP2} times as fast as bzip2 -dc`,
      decoder?.timesBzip2,
      DECODER_TIMES_BZIP2,
    ),
  ]
}

function atLeast(claim: string, measured: number | undefined, least: number): Target {
  return measured === undefined ? notMeasured(claim) : target(claim, `${measured.toFixed(2)} times`, measured >= least)
}

function atMost(claim: string, measured: number | undefined, most: number): Target {
  return measured === undefined ? notMeasured(claim) : target(claim, `${measured.toFixed(2)} times`, measured <= most)
}

function target(claim: string, measured: string, holds: boolean): Target {
  return { claim, measured, verdict: holds ? 'holds' : 'missed' }
}

function notMeasured(claim: string): Target {
  return { claim, measured: '', verdict: 'not measured' }
}
