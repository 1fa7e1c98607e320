/**
 * One worker and the partition that it may see: starts it, serves its reads and writes, and makes sure that it ends.
 *
 * One operation at a time. The first thing that goes wrong ends the worker at once and is what every later call throws:
 * a device that can't be read (its own error, unchanged), an abort or a loop in WASM, a cancelled run.
 */
import type { Worker } from 'node:worker_threads'
import type { ByteDevice, WritableByteDevice } from '../../byte-device.js'
import { CancelledError, EngineError, InternalError, OemBakeError } from '../../errors.js'
import type { FileContent } from '../engine.js'
import { readContent } from './edit-content.js'
import { fromFault } from './faults.js'
import type { Answer, FromWorker, Operation, ToWorker } from './protocol.js'

/** What the session works on. Whoever may not write is not given a device that could. */
export type Served =
  | { readonly access: 'read'; readonly device: ByteDevice }
  | { readonly access: 'edit'; readonly device: WritableByteDevice }

interface Pending {
  readonly operation: Operation
  readonly contents: readonly FileContent[]
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: OemBakeError) => void
  readonly timer: NodeJS.Timeout
}

export class Session {
  readonly #served: Served
  readonly #signal: AbortSignal
  readonly #operationTimeoutMs: number
  readonly #worker: Worker
  readonly #onAbort = (): void => this.#fail(new CancelledError())
  #pending: Pending | undefined
  #failure: OemBakeError | undefined
  #last: Promise<unknown> = Promise.resolve()
  #closing = false

  /** @param thread is ended with the session */
  constructor(served: Served, thread: Worker, signal: AbortSignal, operationTimeoutMs: number) {
    this.#served = served
    this.#signal = signal
    this.#operationTimeoutMs = operationTimeoutMs
    this.#worker = thread
    this.#worker.on('message', (message: FromWorker) => this.#receive(message))
    this.#worker.on('error', (error) => this.#fail(brokeOff(error)))
    this.#worker.on('messageerror', (error) => this.#fail(brokeOff(error)))
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(brokeOff(new Error(`its thread ended with code ${code}`)))
    })
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** @param contents of the edits, by their index */
  async perform(operation: Operation, contents: readonly FileContent[] = []): Promise<Answer> {
    const before = this.#last
    const done = before.then(() => this.#start(operation, contents))
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Ends the worker, whatever it does. Never throws. */
  async close(): Promise<void> {
    this.#closing = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#settle((pending) => pending.reject(new InternalError('ERR_INTERNAL', 'the engine was closed while at work')))
    await this.#worker.terminate()
  }

  #start(operation: Operation, contents: readonly FileContent[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const timer = setTimeout(
        () => this.#fail(tookTooLong(operation, this.#operationTimeoutMs)),
        this.#operationTimeoutMs,
      )
      this.#pending = { operation, contents, resolve, reject, timer }
      this.#send({ kind: 'operation', operation })
    })
  }

  #receive(message: FromWorker): void {
    // What a worker sent before it was ended is of no interest any more.
    if (this.#failure !== undefined || this.#closing) return
    switch (message.kind) {
      case 'answer':
        this.#settle((pending) => pending.resolve(message.answer))
        return
      case 'fault': {
        const error = fromFault(message.fault)
        if (message.spoilt) this.#fail(error)
        else this.#settle((pending) => pending.reject(error))
        return
      }
      default:
        this.#serve(message).then(
          (bytes) => this.#reply(bytes),
          (error: unknown) => this.#fail(foreign(error, message.kind)),
        )
    }
  }

  async #serve(question: Exclude<FromWorker, { kind: 'answer' | 'fault' }>): Promise<Uint8Array> {
    switch (question.kind) {
      case 'read':
        return this.#served.device.read(question.offset, question.length)
      case 'write':
        if (this.#served.access === 'read') {
          throw new InternalError('ERR_INTERNAL', 'the embedded engine tried to write while reading')
        }
        await this.#served.device.write(question.offset, question.bytes)
        return new Uint8Array(0)
      case 'read-content': {
        const content = this.#pending?.contents[question.edit]
        if (content === undefined) throw new InternalError('ERR_INTERNAL', `edit ${question.edit} has no content`)
        return readContent(content, question.offset, question.length)
      }
    }
  }

  /** A copy of exactly these bytes: a view would take its whole buffer along, 64 MiB for each piece of a big file. */
  #reply(bytes: Uint8Array): void {
    const copy = new Uint8Array(bytes)
    this.#send({ kind: 'reply', bytes: copy }, [copy.buffer])
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#failure === undefined && !this.#closing) this.#worker.postMessage(message, transfer)
  }

  #settle(how: (pending: Pending) => void): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    clearTimeout(pending.timer)
    how(pending)
  }

  #fail(error: OemBakeError): void {
    this.#failure ??= error
    const failure = this.#failure
    this.#settle((pending) => pending.reject(failure))
    void this.#worker.terminate()
  }
}

function brokeOff(cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new EngineError('ERR_EMBEDDED', `the embedded engine broke off: ${reason}`, {
    hint: 'the filesystem may be damaged; try --engine libguestfs',
    cause,
  })
}

function tookTooLong(operation: Operation, timeoutMs: number): EngineError {
  return new EngineError(
    'ERR_EMBEDDED',
    `the embedded engine did not finish within ${timeoutMs / 1000} s (${operation.kind}), and was ended`,
    {
      hint: 'the filesystem may be damaged; try --engine libguestfs',
      details: { operation: operation.kind, timeoutMs },
    },
  )
}

function foreign(error: unknown, doing: 'read' | 'write' | 'read-content'): OemBakeError {
  if (error instanceof OemBakeError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const what = doing === 'read-content' ? 'read a file to be written' : `${doing} the partition`
  return new EngineError('ERR_EMBEDDED', `the embedded engine could not ${what}: ${reason}`, { cause: error })
}
