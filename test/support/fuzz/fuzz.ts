/**
 * Runs a target's cases in a thread, under a clock and within a bound of memory.
 *
 * A case that takes too long ends the thread and fails with its bytes; so does a heap that grows beyond the bound. Memory
 * outside the heap (buffers, WebAssembly) is seen in the peak of the whole process. One thread does one target after the
 * other, because it takes a second to start.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { CHECKOUT } from '../command-line.js'
import {
  CASE_BYTES_MAX,
  type FromFuzzThread,
  type FuzzJob,
  type FuzzReport,
  type FuzzThreadStart,
  PROGRESS,
} from './protocol.js'

/** For one case, on a machine that does other things, too. */
export const CASE_SECONDS_MAX = 10
/** For the making and reading of what is valid. */
const READY_SECONDS_MAX = 120
export const HEAP_MIB_MAX = 256
/** How much the peak of the process may grow by, all targets together. */
export const RESIDENT_MIB_MAX = 512

/** Another seed: FUZZ_SEED=7. */
export const FUZZ_SEED = Number(process.env.FUZZ_SEED ?? '1')

const POLL_MS = 250
const BUILD = join(CHECKOUT, 'build', 'fuzz')

function makeDirectory(): string {
  mkdirSync(BUILD, { recursive: true })
  return mkdtempSync(join(BUILD, 'worker-'))
}

export interface FuzzResult extends FuzzReport {
  readonly cases: number
  readonly seconds: number
}

export class Fuzzer {
  readonly #progress = new SharedArrayBuffer(4 * Object.keys(PROGRESS).length)
  readonly #state = new Int32Array(this.#progress)
  readonly #input = new SharedArrayBuffer(CASE_BYTES_MAX)
  readonly #residentBeforeKiB = process.resourceUsage().maxRSS
  #worker: Worker | undefined
  #directory: string | undefined

  /** How much the peak of the process has grown. */
  get residentGrowthMiB(): number {
    return (process.resourceUsage().maxRSS - this.#residentBeforeKiB) / 1024
  }

  /** @throws with the case, in a file, when one takes too long or ends the thread */
  async fuzz(name: string, runs: number): Promise<FuzzResult> {
    const worker = this.#worker ?? this.#start()
    this.#worker = worker
    Atomics.store(this.#state, PROGRESS.cases, 0)
    let startedMs = performance.now()
    let timer: NodeJS.Timeout | undefined
    const listening = new AbortController()
    try {
      const report = await new Promise<FuzzReport>((resolve, reject) => {
        const stopped = (what: string, cause?: unknown) =>
          reject(new Error(`${name}: ${what} in ${this.#keep(name)}`, { cause }))
        const listen = <Event>(event: string, use: (value: Event) => void) => {
          worker.on(event, use)
          listening.signal.addEventListener('abort', () => worker.off(event, use))
        }
        timer = setTimeout(() => stopped(`not ready within ${READY_SECONDS_MAX} s`), READY_SECONDS_MAX * 1000)
        listen<FromFuzzThread>('message', (message) => {
          if (message.kind === 'done') return resolve(message.report)
          clearTimeout(timer)
          startedMs = performance.now()
          timer = this.#watch(() => stopped(`no answer within ${CASE_SECONDS_MAX} s`))
        })
        listen<Error>('error', (error) => stopped(`the thread failed (${error.message})`, error))
        listen<number>('exit', (code) => stopped(`the thread ended with code ${code}`))
        worker.postMessage({ name, seed: FUZZ_SEED, runs } satisfies FuzzJob)
      })
      const seconds = (performance.now() - startedMs) / 1000
      return { ...report, cases: Atomics.load(this.#state, PROGRESS.cases), seconds }
    } catch (error) {
      listening.abort()
      await this.end()
      throw error
    } finally {
      listening.abort()
      clearTimeout(timer)
    }
  }

  async end(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
    this.#directory = undefined
  }

  /** Node 20 starts threads from JavaScript only. The file lies within the checkout: from there the build is found. */
  #start(): Worker {
    const workerData: FuzzThreadStart = { progress: this.#progress, input: this.#input }
    this.#directory ??= makeDirectory()
    const outfile = join(this.#directory, 'worker.mjs')
    // As a program: esbuild's service, started from within vitest, does not answer.
    const settings = [
      '--bundle',
      '--platform=node',
      '--target=node20',
      '--format=esm',
      '--packages=external',
      '--external:#src/*',
    ]
    const program = join(CHECKOUT, 'node_modules/.bin/esbuild')
    execFileSync(program, [
      join(import.meta.dirname, 'worker.ts'),
      `--outfile=${outfile}`,
      ...settings,
      '--log-level=error',
    ])
    return new Worker(outfile, {
      workerData,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX, maxYoungGenerationSizeMb: HEAP_MIB_MAX / 8 },
    })
  }

  /** Calls when the same case has been under way for too long. */
  #watch(tooLong: () => void): NodeJS.Timeout {
    let seen = -1
    let sinceMs = performance.now()
    return setInterval(() => {
      const cases = Atomics.load(this.#state, PROGRESS.cases)
      if (cases !== seen) {
        seen = cases
        sinceMs = performance.now()
      } else if (performance.now() - sinceMs > CASE_SECONDS_MAX * 1000) tooLong()
    }, POLL_MS)
  }

  /** Puts the case that was under way into a file. */
  #keep(name: string): string {
    const length = Math.min(Atomics.load(this.#state, PROGRESS.bytes), CASE_BYTES_MAX)
    const path = join(tmpdir(), `oem-bake-fuzz-${name.replaceAll(/\W+/g, '-')}-${FUZZ_SEED}.bin`)
    writeFileSync(path, Buffer.from(this.#input.slice(0, length)))
    return `case ${Atomics.load(this.#state, PROGRESS.cases)} of seed ${FUZZ_SEED}, kept in ${path}`
  }
}
