/**
 * Full-size bakes against what a user could put together: time, memory and bytes written, in one interleaved run.
 *
 *     npm run bench -- [--rounds 3] [--only PATTERN] [--write]
 *     npm run bench -- verify [--rounds 5]        what checking a signature costs: `verify.ts`
 *     npm run bench -- editions [--rounds 5]      many editions from one image: `editions.ts`
 *
 * Prints the tables, and each target beside what was measured; exit code 1 when one is missed. `--only` takes a regular
 * expression on names such as `raw, bzip2: oem-bake, tail` or `block codec`. `--write` puts the tables into
 * bench/RESULTS.md and the README. About twelve minutes for the images the first time, then seven a round, then thirteen
 * for the judges; wants a quiet machine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureBlockCodec } from './block-codec.js'
import { benchEditions } from './editions.js'
import { BENCH_IMAGES, placeImage } from './images.js'
import { judgeImage } from './judge.js'
import { describeMachine } from './machine.js'
import { cleanUp } from './measure.js'
import { ROOT } from './paths.js'
import { assertProgramsThere } from './programs.js'
import type { BenchResults } from './results.js'
import { runRounds, warmUp } from './rounds.js'
import { allSubjects, nameOf, type OurSubject } from './subjects.js'
import { type Circumstances, fullReport, ratioTable } from './table.js'
import { targetsOf } from './targets.js'
import { benchVerify } from './verify.js'

const CODEC_NAME = 'block codec'
const [README_START, README_END] = ['<!-- bench: npm run bench -- --write puts it here -->', '<!-- bench: end -->']

interface Options {
  readonly subject: 'verify' | 'editions' | undefined
  /** Of `editions`. */
  readonly image: string | undefined
  readonly rounds: number
  readonly only: RegExp
  readonly write: boolean
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      write: { type: 'boolean' },
      image: { type: 'string' },
    },
    allowPositionals: true,
  })
  const [subject, ...others] = positionals
  if ((subject !== undefined && subject !== 'verify' && subject !== 'editions') || others.length > 0)
    throw new Error(`bench does not know ${positionals.join(' ')}: expected nothing, verify or editions`)
  const rounds = Number(values.rounds ?? (subject === undefined ? 3 : 5))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds ${values.rounds}: expected a whole number from 1`)
  if (values.write === true && values.only !== undefined) throw new Error('--write wants all results: leave --only out')
  const { image } = values
  if (image !== undefined && subject !== 'editions') throw new Error('--image is of editions')
  return { subject, image, rounds, only: new RegExp(values.only ?? ''), write: values.write ?? false }
}

async function bench({ only, rounds }: Options): Promise<BenchResults> {
  const subjects = allSubjects().filter((subject) => only.test(nameOf(subject)))
  const ours = subjects.filter((subject): subject is OurSubject => subject.kind === 'ours')
  const forCodec = only.test(CODEC_NAME) ? BENCH_IMAGES.find(({ content }) => content.kind === 'raw') : undefined
  for (const image of BENCH_IMAGES)
    if (image === forCodec || subjects.some((subject) => subject.image === image)) await placeImage(image)
  const codec = forCodec === undefined ? undefined : await measureBlockCodec(forCodec)
  const measured = await runRounds(subjects, await warmUp(subjects), rounds)
  const verdicts = []
  for (const image of new Set(ours.map((subject) => subject.image)))
    verdicts.push(
      await judgeImage(
        image,
        ours.filter((subject) => subject.image === image),
      ),
    )
  cleanUp()
  return { subjects: measured, verdicts, codec }
}

function writeReadme(table: string): void {
  const path = join(ROOT, 'README.md')
  const text = readFileSync(path, 'utf8')
  const start = text.indexOf(README_START)
  const end = text.indexOf(README_END)
  if (start < 0 || end < start) throw new Error(`README.md has no place for the table: expected ${README_START}`)
  writeFileSync(path, `${text.slice(0, start)}${README_START}\n${table}\n${text.slice(end)}`)
}

async function main(): Promise<void> {
  const options = readOptions()
  const { image, rounds, subject } = options
  if (subject !== undefined) {
    const holds = await (subject === 'verify' ? benchVerify(rounds) : benchEditions(rounds, image))
    if (!holds) process.exitCode = 1
    return
  }
  assertProgramsThere()
  const circumstances: Circumstances = {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    rounds: options.rounds,
  }
  const results = await bench(options)
  const targets = targetsOf(results, BENCH_IMAGES)
  const report = fullReport(results, BENCH_IMAGES, targets, circumstances)
  console.log(report)
  if (options.write) {
    writeFileSync(join(ROOT, 'bench', 'RESULTS.md'), report)
    writeReadme(ratioTable(results, BENCH_IMAGES, circumstances))
  }
  if (targets.some(({ verdict }) => verdict === 'missed')) process.exitCode = 1
}

await main()
