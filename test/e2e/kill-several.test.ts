/** Runs with several outputs that are ended at random moments, or when the first output is there: each output is there whole, or not at all. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { compressFile } from '../support/bzip2-file.js'
import { runEnvironment, startCli } from '../support/command-line.js'
import { noise } from '../support/random.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'

const KILLS = 4
const SIGNALS = ['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL'] as const
const EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }
const directory = temporaryDirectory()
const image = compressFile(makeSmallDisk(join(directory, 'image.bin'), { data: noise(4 << 20) }))
const imageSha256 = sha256File(image)

interface Place {
  readonly directory: string
  readonly out: string
}

/** The two kinds of run, by what they are told. */
const RUNS: Readonly<Record<string, (place: Place) => readonly string[]>> = {
  'several editions': ({ out }) => [image, ...['-t', 'rackspace', '-t', 'gce', '-t', 'ec2'], '--output-dir', out],
  'a batch': ({ directory: place, out }) => {
    const jobs = ['rackspace', 'gce', 'ec2'].map((template) => ({ image, template, 'output-dir': out }))
    writeFileSync(join(place, 'jobs.json'), JSON.stringify({ jobs }))
    return ['batch', join(place, 'jobs.json'), '--jobs', '2']
  },
}

function startIn(place: Place, words: readonly string[]) {
  return startCli(words, { env: runEnvironment(join(place.directory, 'tmp')), detached: true })
}

function makePlace(): Place {
  const place = mkdtempSync(join(directory, 'place-'))
  for (const name of ['out', 'tmp']) mkdirSync(join(place, name))
  return { directory: place, out: join(place, 'out') }
}

/** Waits for the first of them: some are published then, and some are not. */
async function untilSome(names: readonly string[], path: string): Promise<void> {
  while (!readdirSync(path).some((name) => names.includes(name))) await pause(2)
}

/** Digests of what lies in a directory; of manifests, without the times that they tell. */
function contentOf(path: string): ReadonlyMap<string, string> {
  return new Map(
    readdirSync(path).map((name) => {
      if (name.startsWith('.oem-bake-')) return [name, 'what a run keeps while it works']
      const bytes = readFileSync(join(path, name))
      if (!name.endsWith('.manifest.json')) return [name, createHash('sha256').update(bytes).digest('hex')]
      const { times: _, ...rest } = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>
      return [name, JSON.stringify(rest)]
    }),
  )
}

describe.each(Object.entries(RUNS))('a run of %s', (_, wordsOf) => {
  it(`killed at ${KILLS} moments leaves each output whole, with all that belongs to it, or absent`, async () => {
    const undisturbed = makePlace()
    const beganMs = performance.now()
    expect(await startIn(undisturbed, wordsOf(undisturbed)).ended).toMatchObject({ exitCode: 0 })
    const durationMs = performance.now() - beganMs
    const whole = contentOf(undisturbed.out)
    const images = [...whole.keys()].filter((name) => name.endsWith('.bz2'))
    expect(images).toHaveLength(3)

    for (let nth = 0; nth < KILLS; nth++) {
      const place = makePlace()
      const sinceMs = Date.now()
      const signal = SIGNALS[nth % SIGNALS.length] ?? 'SIGINT'
      const run = startIn(place, wordsOf(place))
      const isAmid = nth < 2
      if (isAmid) await untilSome(images, place.out)
      else await pause((durationMs * nth) / KILLS)
      if (run.child.exitCode === null) process.kill(-run.pid, signal)
      const { exitCode, signalName, stderr } = await run.ended
      await untilNothingIsLeft(place.directory, sinceMs, 30_000)

      const left = contentOf(place.out)
      const published = images.filter((name) => left.has(name))
      if (isAmid) expect(published).not.toEqual([])
      const about = `${signal}, exit ${exitCode ?? signalName}, ${published.length} published: ${stderr}`
      for (const name of published)
        for (const file of [...whole.keys()].filter((other) => other.startsWith(name)))
          expect([file, left.get(file)], about).toEqual([file, whole.get(file)])
      const others = [...left.keys()].filter((name) => !published.some((output) => name.startsWith(output)))
      if (signal !== 'SIGKILL') {
        expect(others, about).toEqual([])
        // Node takes itself down by the signal before our own code runs, and while it leaves.
        const ended = signalName === signal || exitCode === (published.length === 3 ? 0 : EXIT_CODES[signal])
        expect(ended || exitCode === EXIT_CODES[signal], about).toBe(true)
      } else {
        const kept = others.filter((name) => name.startsWith('.oem-bake-'))
        expect(
          others.filter((name) => !kept.includes(name) && !images.some((output) => name.startsWith(output))),
        ).toEqual([])
      }
      expect(sha256File(image)).toBe(imageSha256)
      rmSync(place.directory, { recursive: true })
    }
  })
})
