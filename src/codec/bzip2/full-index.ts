/**
 * The block map of a whole file, every block decoded and checked by workers on all cores.
 *
 * The file is cut into ranges. A worker finds the first block that begins in its range and walks the chain from there to
 * the next range; here the stretches are joined in order. A stretch counts only if it begins exactly where the one before
 * it ended, so a beginning that only looked like one is found out, and that range is walked again from where it really
 * begins. What comes out is one chain from the first header to the last byte of the file.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { CancelledError, EngineError, InternalError, MachineError, throwIfCancelled } from '../../errors.js'
import { installedFile } from '../../installation.js'
import type { RunContext } from '../../progress.js'
import { assertSizeWithin, DEFAULT_SIZE_LIMIT_BYTES } from '../../size-limit.js'
import { compileBlockCodec } from './block-codec.js'
import { type BlockMap, countEntries, joinSegments } from './block-map.js'
import type { ChainSegment, ChainStop } from './chain.js'
import { chainBroken } from './damage.js'
import type { FromWalker, ToWalker, WalkerStart, WalkFrom } from './walk-protocol.js'

/** A compressed file that is open for reading. */
export interface CompressedFile {
  readonly fd: number
  readonly sizeBytes: number
  /** For messages. */
  readonly name: string
  /** Most bytes that it may decode to. @default 64 GiB */
  readonly limitBytes?: number
}

/** What a worker is given at a time: some 10 to 60 ms of work. */
const RANGE_BYTES = 1 << 20
/** Ranges that may be under way or wait for an earlier one. */
const AHEAD_RANGES = 64
const WORKERS_MAX = 16

/**
 * @param rangeBytes what a worker is given at a time
 * @throws ERR_BZIP2_TRUNCATED | ERR_BZIP2_TRAILING_GARBAGE | ERR_BZIP2_CORRUPT with the bit
 * @throws ERR_IMAGE_TOO_LARGE as soon as the limit is passed
 * @throws ERR_IO, ERR_CANCELLED
 */
export async function indexWhole(
  file: CompressedFile,
  context: RunContext,
  rangeBytes = RANGE_BYTES,
): Promise<BlockMap> {
  throwIfCancelled(context.signal)
  if (file.sizeBytes === 0) throw chainBroken(file.name, { kind: 'fault', fault: 'cut-off', bit: 0 }, 0)
  const rangeBits = rangeBytes * 8
  const ranges = Math.ceil(file.sizeBytes / rangeBytes)
  await using pool = new WalkerPool(file, Math.min(availableParallelism(), WORKERS_MAX, ranges), context.signal)
  const segments: ChainSegment[] = []
  const started: Promise<ChainSegment | undefined>[] = []
  const limitBytes = file.limitBytes ?? DEFAULT_SIZE_LIMIT_BYTES
  let entries = 0
  let rawBytes = 0
  // Where the next stretch has to begin.
  let next: ChainStop | undefined
  for (let range = 0; range < ranges; range++) {
    const untilBit = (range + 1) * rangeBits
    while (started.length < Math.min(ranges, range + AHEAD_RANGES)) started.push(start(pool, started.length, rangeBits))
    const found = await started[range]
    context.report({
      kind: 'progress',
      phase: 'decode',
      doneBytes: Math.min(untilBit / 8, file.sizeBytes),
      totalBytes: file.sizeBytes,
    })
    // The block before this range reaches over all of it.
    if (next?.kind === 'block' && next.bit >= untilBit) continue
    const joins = next === undefined || (next.kind === 'block' && found?.startBit[0] === next.bit)
    const segment =
      joins && found !== undefined
        ? found
        : await pool.walk({ kind: 'bit', bit: next?.kind === 'block' ? next.bit : 0 }, untilBit)
    if (segment === undefined) throw new InternalError('ERR_INTERNAL', `no block at a known bit in range ${range}`)
    segments.push(segment)
    entries = countEntries(entries, segment, file.name)
    for (const length of segment.rawLength) rawBytes += length
    assertSizeWithin(limitBytes, rawBytes, `${file.name}, decoded,`)
    next = segment.stop
    if (next.kind === 'end') break
    if (next.kind !== 'block') throw chainBroken(file.name, next, file.sizeBytes)
  }
  if (next?.kind !== 'end')
    throw new InternalError('ERR_INTERNAL', 'the chain of blocks did not reach the end of the file')
  return joinSegments(segments, { rawStart: 0 }, file.name)
}

function start(pool: WalkerPool, range: number, rangeBits: number): Promise<ChainSegment | undefined> {
  const fromBit = range * rangeBits
  const from: WalkFrom = range === 0 ? { kind: 'start of file' } : { kind: 'search', fromBit }
  const walk = pool.walk(from, fromBit + rangeBits)
  // Whoever stops half way never awaits this one.
  walk.catch(() => undefined)
  return walk
}

interface Job {
  readonly from: WalkFrom
  readonly untilBit: number
  readonly resolve: (segment: ChainSegment | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Workers, each with one stretch at a time; disposing of the pool ends them all and waits for it. */
class WalkerPool implements AsyncDisposable {
  readonly #workers: Worker[] = []
  readonly #idle: Worker[] = []
  readonly #waiting: Job[] = []
  readonly #running = new Map<Worker, Job>()
  readonly #signal: AbortSignal
  readonly #cancel = (): void => this.#fail(new CancelledError())
  #failure: unknown

  constructor(file: CompressedFile, count: number, signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#cancel, { once: true })
    const workerData: WalkerStart = {
      fd: file.fd,
      sizeBytes: file.sizeBytes,
      name: file.name,
      module: compileBlockCodec(),
    }
    for (let index = 0; index < count; index++) {
      // Flags of the program that uses us (--eval, --input-type) may not suit a worker.
      const worker = new Worker(installedFile('walk-worker.js'), { workerData, execArgv: [] })
      worker.on('message', (message: FromWalker) => this.#take(worker, message))
      worker.on('error', (error) =>
        this.#fail(new EngineError('ERR_CHILD_FAILED', `a bzip2 worker failed: ${error.message}`, { cause: error })),
      )
      this.#workers.push(worker)
      this.#idle.push(worker)
    }
  }

  walk(from: WalkFrom, untilBit: number): Promise<ChainSegment | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      const job = { from, untilBit, resolve, reject }
      // A stretch from a known bit is one that all later ones wait for.
      if (from.kind === 'bit') this.#waiting.unshift(job)
      else this.#waiting.push(job)
      this.#dispatch()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#cancel)
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop()
      const job = this.#waiting.shift()
      if (worker === undefined || job === undefined) return
      this.#running.set(worker, job)
      worker.postMessage({ from: job.from, untilBit: job.untilBit } satisfies ToWalker)
    }
  }

  #take(worker: Worker, message: FromWalker): void {
    const job = this.#running.get(worker)
    this.#running.delete(worker)
    this.#idle.push(worker)
    if (message.kind === 'segment') job?.resolve(message.segment)
    else
      job?.reject(
        new MachineError('ERR_IO', message.message, {
          hint: 'check the disk, then run the same command again',
          details: { errno: message.errno },
        }),
      )
    this.#dispatch()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const { reject } of [...this.#running.values(), ...this.#waiting]) reject(this.#failure)
    this.#running.clear()
    this.#waiting.length = 0
  }
}
