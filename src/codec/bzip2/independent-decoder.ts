/**
 * A second opinion on what our encoder wrote: unbzip2-stream, in workers of its own.
 *
 * Our codec can't vouch for itself. Each new block is decoded as a stream of its own; blocks hold at most 4 MiB decoded,
 * because unbzip2-stream makes a JavaScript array of as many numbers (over 1 GiB for 45 MB of zeros, measured 2026-11). It
 * takes 40 to 150 ns a byte, so it works while the next blocks are encoded, and gets a second worker when there is more to
 * do than in most bakes.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { CancelledError, EngineError } from '../../errors.js'
import { installedFile } from '../../installation.js'

/** To the worker: a whole stream. */
export interface ToIndependent {
  readonly stream: Uint8Array
}

/** From the worker, one for each stream. */
export type FromIndependent =
  | { readonly kind: 'decoded'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string }

interface Job {
  readonly stream: Uint8Array
  readonly resolve: (answer: FromIndependent) => void
  readonly reject: (error: unknown) => void
}

const WORKERS_MAX = 2
/** Compressed bytes that have to wait before a second worker is worth its start. */
const WAITING_BYTES_FOR_ANOTHER = 512 << 10

/** Disposing of it ends all workers. */
export class IndependentDecoder implements AsyncDisposable {
  readonly #signal: AbortSignal
  readonly #cancel = (): void => this.#fail(new CancelledError())
  readonly #idle: Worker[] = []
  readonly #running = new Map<Worker, Job>()
  readonly #waiting: Job[] = []
  readonly #workers: Worker[] = []
  #failure: unknown

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#cancel, { once: true })
  }

  /** Starts the first worker, which takes 40 ms, before there is work for it. */
  warmUp(): void {
    if (this.#workers.length === 0 && this.#failure === undefined) this.#workers.push(this.#start())
  }

  /** Decodes one stream; `failed` carries the decoder's own words. */
  decode(stream: Uint8Array): Promise<FromIndependent> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      this.#waiting.push({ stream, resolve, reject })
      this.#dispatch()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#cancel)
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #start(): Worker {
    // Flags of the program that uses us (--eval, --input-type) may not suit a worker.
    const worker = new Worker(installedFile('independent-worker.js'), { execArgv: [] })
    worker.on('message', (answer: FromIndependent) => {
      const job = this.#running.get(worker)
      this.#running.delete(worker)
      this.#idle.push(worker)
      job?.resolve(answer)
      this.#dispatch()
    })
    worker.on('error', (error) =>
      this.#fail(
        new EngineError('ERR_CHILD_FAILED', `the unbzip2-stream worker failed: ${error.message}`, { cause: error }),
      ),
    )
    this.#idle.push(worker)
    return worker
  }

  #dispatch(): void {
    const workersMax = Math.min(WORKERS_MAX, availableParallelism())
    const waitingBytes = this.#waiting.reduce((sum, { stream }) => sum + stream.length, 0)
    const wanted = waitingBytes > WAITING_BYTES_FOR_ANOTHER ? workersMax : 1
    if (this.#workers.length < wanted) this.#workers.push(this.#start())
    while (this.#idle.length > 0) {
      const job = this.#waiting.shift()
      if (job === undefined) return
      const worker = this.#idle.pop()
      if (worker === undefined) return
      this.#running.set(worker, job)
      worker.postMessage({ stream: job.stream } satisfies ToIndependent)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const { reject } of [...this.#running.values(), ...this.#waiting]) reject(this.#failure)
    this.#running.clear()
    this.#waiting.length = 0
  }
}
