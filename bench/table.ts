/** The results as Markdown: every row for bench/RESULTS.md, and the table of ratios that the README shows. */
import { type CodecRow, type CodecSpeed, OUR_DECODER } from './block-codec.js'
import type { BenchImage } from './images.js'
import { type BenchResults, resultOf, type SubjectResult, timeRatio } from './results.js'
import { WAYS, type Way } from './subjects.js'
import type { Target } from './targets.js'

const HAND: Way = 'by hand, lbzip2'
const COPY: Way = 'cp + fsync'

export interface Circumstances {
  /** `2026-11-23` */
  readonly date: string
  readonly machine: string
  readonly rounds: number
}

/** Everything: bench/RESULTS.md, and what the command prints. */
export function fullReport(
  results: BenchResults,
  images: readonly BenchImage[],
  targets: readonly Target[],
  circumstances: Circumstances,
): string {
  const rows = results.subjects.map((result) => {
    const { image, way } = result.subject
    return [
      image.title,
      way,
      String(result.runs),
      seconds(result.seconds),
      ratio(timeRatio(results, image, HAND, way)),
      ratio(timeRatio(results, image, way, COPY)),
      `${result.peakMiB} MiB`,
      megabytes(result.writtenBytes),
      others(result),
    ]
  })
  return [
    '# Results',
    '',
    measuredOn(circumstances),
    '',
    'Time and bytes written are medians, memory is the highest of all runs. Memory is the resident set of the whole process tree, sampled every 25 ms; bytes written are',
    'pages made dirty (`write_bytes` of proc(5)). Other files: for oem-bake, whatever strace saw opened for writing in a run of its own; else what lay beside the output at the end.',
    'oem-bake also checks the partition table, the blocks after the edit and, by a decoder that is not its own, what it wrote; by hand nothing is checked.',
    '',
    ...markdownTable(
      [
        'image',
        'way',
        'runs',
        'time',
        'times as fast as by hand',
        'times cp + fsync',
        'peak memory',
        'written',
        'other files',
      ],
      rows,
    ),
    '',
    ...images.flatMap((image) => inputLine(results, image)),
    '',
    ...(results.codec === undefined ? [] : [...codecLines(results.codec), '']),
    ...markdownTable(
      ['target', 'measured', ''],
      targets.map(({ claim, measured, verdict }) => [claim, measured, verdict]),
    ),
    '',
  ].join('\n')
}

/** For the README: ways down, images across. */
export function ratioTable(results: BenchResults, images: readonly BenchImage[], circumstances: Circumstances): string {
  const cell = (image: BenchImage, way: Way): string => {
    const result = resultOf(results, image, way)
    if (result === undefined) return ''
    const faster = timeRatio(results, image, HAND, way)
    return faster === undefined || way === HAND
      ? seconds(result.seconds)
      : `${seconds(result.seconds)} (${ratio(faster)} ×)`
  }
  const memory = images.map((image) =>
    results.subjects.filter(({ subject }) => subject.image === image && subject.kind === 'ours'),
  )
  const decoder = results.codec?.decoders.find(({ name }) => name === OUR_DECODER)
  return [
    ...markdownTable(
      ['', ...images.map(({ title }) => title)],
      [
        ...WAYS.map((way) => [way, ...images.map((image) => cell(image, way))]),
        ['peak memory of oem-bake', ...memory.map((ours) => `${Math.max(...ours.map(({ peakMiB }) => peakMiB))} MiB`)],
      ],
    ),
    '',
    `In brackets: how many times as fast as by hand with lbzip2. ${measuredOn(circumstances)}`,
    ...(decoder === undefined
      ? []
      : [
          `A core decodes and checks ${decoder.megabytesPerSecond.toFixed(0)} MB/s, ${ratio(decoder.timesBzip2)} times as much as \`bzip2 -dc\`.`,
        ]),
  ].join('\n')
}

function measuredOn({ date, machine, rounds }: Circumstances): string {
  return `Measured on ${date} with \`npm run bench -- --rounds ${rounds}\`: ${machine}.`
}

function inputLine(results: BenchResults, image: BenchImage): readonly string[] {
  const input = results.verdicts.find((verdict) => verdict.image === image)?.input
  if (input === undefined) return []
  return [
    `- ${image.title}: decodes to ${input.bytes} bytes, ${megabytes(input.denseBytes)} of them in pages that are not all zeros.`,
  ]
}

function codecLines({ rawBytes, bzip2Bytes, ourBytes, decoders, encoders }: CodecSpeed): readonly string[] {
  const row =
    (kind: string) =>
    ({ name, megabytesPerSecond, timesBzip2 }: CodecRow): readonly string[] => [
      kind,
      name,
      `${megabytesPerSecond.toFixed(1)} MB/s`,
      timesBzip2.toFixed(2),
    ]
  return [
    `One core, ${megabytes(rawBytes)} of dense data, user time, medians of 5. Compressed by bzip2 it takes ${bzip2Bytes} bytes, by us ${ourBytes}.`,
    '',
    ...markdownTable(
      ['', '', 'decoded data', 'times bzip2'],
      [...decoders.map(row('decode')), ...encoders.map(row('encode'))],
    ),
  ]
}

function others({ otherFiles }: SubjectResult): string {
  return otherFiles.length === 0 ? 'none' : otherFiles.join(', ')
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)]
}

function seconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

function ratio(value: number | undefined): string {
  if (value === undefined) return ''
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}
