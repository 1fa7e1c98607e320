/**
 * The thread that libext2fs runs in, and a spare one that is started before it is known what for.
 *
 * Loading the library takes 0.1 s; with a spare thread that time passes while the image is being opened, and on the command
 * line while the program itself is being loaded.
 */
import { Worker } from 'node:worker_threads'
import { installedFile } from '../../installation.js'

/** JavaScript heap of the worker; the WASM heap (16 MiB) and the cached pages (16 MiB) come on top. */
const HEAP_MIB = 128

export function startThread(): Worker {
  const worker = new Worker(installedFile('engine/embedded/worker.js'), {
    env: {},
    execArgv: [],
    // Nothing of the library's chatter reaches this process's own streams.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: HEAP_MIB / 8 },
  })
  worker.stdout.resume()
  worker.stderr.resume()
  return worker
}

/** Disposing of it ends the thread, unless somebody took it. */
export class SpareThread implements AsyncDisposable {
  #worker: Worker | undefined
  readonly #forget = (): void => {
    this.#worker = undefined
  }

  constructor() {
    this.#worker = startThread()
    // Whatever keeps it from starting will be met again, and told, by the one that is started in its place.
    this.#worker.on('error', this.#forget)
    this.#worker.on('exit', this.#forget)
  }

  /** The thread, once; whoever takes it ends it. */
  take(): Worker | undefined {
    const worker = this.#worker
    worker?.off('error', this.#forget)
    worker?.off('exit', this.#forget)
    this.#worker = undefined
    return worker
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.take()?.terminate()
  }
}

let early: SpareThread | undefined

/** For a program that knows at its start that it will want a spare thread; it calls {@link endEarlyThread} at its end. */
export function startSpareThreadEarly(): void {
  early ??= new SpareThread()
}

/** The one that was started early, or a new one. */
export function openSpareThread(): SpareThread {
  const spare = early ?? new SpareThread()
  early = undefined
  return spare
}

/** Ends the one that was started early, if nobody has taken it: a thread keeps the process from leaving. */
export async function endEarlyThread(): Promise<void> {
  const spare = early
  early = undefined
  await spare?.[Symbol.asyncDispose]()
}
