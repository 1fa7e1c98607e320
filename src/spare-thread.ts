/**
 * Threads that are started before it is known what for.
 *
 * A thread takes 50 to 150 ms until its modules are loaded, much where a bake takes half a second. On another core that
 * time passes while the program itself is still being loaded, and while the image is being opened.
 */
import type { Worker } from 'node:worker_threads'

/** Disposing of it ends the thread, unless somebody took it. */
export class SpareThread implements AsyncDisposable {
  #worker: Worker | undefined
  readonly #forget = (): void => {
    this.#worker = undefined
  }

  constructor(worker: Worker) {
    this.#worker = worker
    // Whatever keeps it from starting will be met again, and told, by the one that is started in its place.
    worker.on('error', this.#forget)
    worker.on('exit', this.#forget)
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

/** Threads of one kind. */
export class ThreadKind {
  readonly #make: () => Worker
  #early: SpareThread | undefined

  /** @param make starts one */
  constructor(make: () => Worker) {
    this.#make = make
  }

  /**
   * For a program that knows at its start that it will want one; it calls {@link endEarly} at its end.
   *
   * @param message what the thread may begin with, whoever takes it
   */
  startEarly(message?: object): void {
    const worker = this.#make()
    if (message !== undefined) worker.postMessage(message)
    this.#early = new SpareThread(worker)
  }

  /** One that may turn out not to be wanted: the early one, or a new one. */
  openSpare(): SpareThread {
    const spare = this.#early ?? new SpareThread(this.#make())
    this.#early = undefined
    return spare
  }

  /** One to work with: the early one, or a new one. */
  start(): Worker {
    return this.openSpare().take() ?? this.#make()
  }

  /** Ends the one that was started early, if nobody has taken it: a thread keeps the process from leaving. */
  async endEarly(): Promise<void> {
    const spare = this.#early
    this.#early = undefined
    await spare?.[Symbol.asyncDispose]()
  }
}
