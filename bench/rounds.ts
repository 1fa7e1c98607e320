/**
 * The rounds: everything once, then everything again, so that whatever else the machine does meets all alike.
 *
 * Before them each of ours runs once under strace, without a clock: that tells what it writes, warms the block map that
 * `cached` wants, and brings the images into memory for everybody.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cleanUp, measure, RUN_ENV, type Run } from './measure.js'
import { CACHE_HOME, KEPT, OUTPUT } from './paths.js'
import { median, type SubjectResult } from './results.js'
import { nameOf, type OurSubject, type Subject } from './subjects.js'
import { traceWrites } from './written-files.js'

/** How often the short ones run in each round. */
const LAPS = 5

/** @returns for each of ours, what it opened for writing that it should not have */
export async function warmUp(subjects: readonly Subject[]): Promise<ReadonlyMap<Subject, readonly string[]>> {
  rmSync(CACHE_HOME, { recursive: true, force: true })
  const otherFiles = new Map<Subject, readonly string[]>()
  for (const subject of subjects) {
    if (subject.kind !== 'ours') continue
    if (subject.index === 'cached') await measure(nameOf(subject), subject.command, false)
    cleanUp()
    const traced = traceWrites(subject.command, RUN_ENV)
    assertFoundBy(subject, traced.stdout)
    otherFiles.set(subject, traced.otherFiles)
    console.error(`${nameOf(subject)}: under strace, ${traced.otherFiles.length} other files`)
  }
  return otherFiles
}

/** Runs all of them; the first output of each of ours is kept. */
export async function runRounds(
  subjects: readonly Subject[],
  otherFiles: ReadonlyMap<Subject, readonly string[]>,
  rounds: number,
): Promise<readonly SubjectResult[]> {
  rmSync(KEPT, { recursive: true, force: true })
  mkdirSync(KEPT, { recursive: true })
  const runs = new Map<Subject, Run[]>()
  for (let round = 0; round < rounds; round++) {
    for (const subject of inTurn(subjects, round)) {
      const earlier = runs.get(subject)
      const run = await measure(nameOf(subject), subject.command, earlier === undefined || subject.pace !== 'short')
      if (subject.kind === 'ours') assertFoundBy(subject, run.stdout)
      if (subject.kind === 'ours' && earlier === undefined) renameSync(OUTPUT, keptOutput(subject))
      runs.set(subject, [...(earlier ?? []), run])
      console.error(
        `${nameOf(subject)}: ${run.seconds.toFixed(2)} s${run.peakMiB === undefined ? '' : `, ${run.peakMiB} MiB`}`,
      )
    }
  }
  return subjects.map((subject) => summary(subject, runs.get(subject) ?? [], otherFiles.get(subject)))
}

export function keptOutput({ image, index }: OurSubject): string {
  return join(KEPT, `${image.id}-${index}`)
}

/** A round's runs: image by image, the long ones and then the short ones lap by lap. */
function inTurn(subjects: readonly Subject[], round: number): readonly Subject[] {
  const images = [...new Set(subjects.map(({ image }) => image))]
  return images.flatMap((image) => {
    const ofImage = subjects.filter((subject) => subject.image === image)
    const long = ofImage.filter(({ pace }) => pace === 'long' || (pace === 'slow' && round === 0))
    const short = ofImage.filter(({ pace }) => pace === 'short')
    return [...long, ...Array.from({ length: LAPS }, () => short).flat()]
  })
}

/** A run that found the blocks in another way than it is named after is no measurement of that way. */
function assertFoundBy(subject: OurSubject, report: string): void {
  const found = /"index":\s*"(\w+)"/.exec(report)?.[1]
  if (found !== subject.index) throw new Error(`${nameOf(subject)}: the blocks were found by ${found ?? 'nothing'}`)
}

function summary(subject: Subject, runs: readonly Run[], traced: readonly string[] | undefined): SubjectResult {
  return {
    subject,
    runs: runs.length,
    seconds: median(runs.map(({ seconds }) => seconds)),
    peakMiB: Math.max(...runs.flatMap(({ peakMiB }) => peakMiB ?? [])),
    writtenBytes: median(runs.map(({ writtenBytes }) => writtenBytes)),
    otherFiles: [...new Set([...(traced ?? []), ...runs.flatMap(({ leftOver }) => leftOver)])],
  }
}
