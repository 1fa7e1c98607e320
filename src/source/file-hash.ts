/**
 * The digests of a file, taken in a thread of their own while everything else goes on.
 *
 * SHA-256 runs at 1 GB/s and more with the processor's own instructions, SHA-512 at half of that: the second is taken only
 * when somebody published it, or wants to publish it of the output. What a signature is over is hashed in the same read:
 * signatures hash more than the file.
 */
import type { Worker } from 'node:worker_threads'
import { CancelledError, EngineError, InternalError, MachineError } from '../errors.js'
import type { RunContext } from '../progress.js'
import { HASH_THREAD } from './hash-thread.js'

/** Lower-case hex. */
export interface Digests {
  readonly sha256: string
  readonly sha512?: string
  /** What `HashOptions.signed` asked for, in its order. */
  readonly signed?: readonly Uint8Array[]
}

/** A hash of a file with something before it and something after it, as signatures are over. */
export interface SignedHash {
  /** As node:crypto calls it. */
  readonly algorithm: string
  readonly prefix: Uint8Array
  readonly suffix: Uint8Array
}

/** What is wanted of each file that is hashed whole. */
export interface HashOptions {
  readonly withSha512: boolean
  /** @default none */
  readonly signed?: readonly SignedHash[]
}

/** To the worker, answered in order; a head start is not. */
export type ToHasher =
  /** Hash this file, as far as it goes until something else is asked: most likely it will be wanted. */
  | { readonly kind: 'head start'; readonly path: string }
  | {
      readonly kind: 'whole'
      readonly fd: number
      readonly sizeBytes: number
      readonly withSha256: boolean
      readonly withSha512: boolean
      readonly signed?: readonly SignedHash[]
    }
  /** A file that begins with `keptBytes` bytes of the one that was hashed whole. */
  | { readonly kind: 'new tail'; readonly fd: number; readonly keptBytes: number; readonly sizeBytes: number }

export type FromHasher =
  | { readonly kind: 'progress'; readonly doneBytes: number }
  | { readonly kind: 'digests'; readonly digests: Partial<Digests> }
  | { readonly kind: 'failed'; readonly message: string; readonly errno: string | undefined }

/** One file at a time; disposing of it ends the thread. */
export class FileHash implements AsyncDisposable {
  readonly #worker: Worker
  readonly #context: RunContext
  readonly #options: HashOptions
  readonly #cancel = (): void => this.#fail(new CancelledError())
  #pending: { resolve(message: FromHasher): void; reject(error: unknown): void } | undefined
  #failure: unknown
  /** Who asks while something is being hashed waits for it. */
  #turn: Promise<unknown> = Promise.resolve()
  #totalBytes = 0

  constructor(options: HashOptions, context: RunContext) {
    this.#context = context
    this.#options = options
    this.#worker = HASH_THREAD.start()
    this.#worker.on('message', (message: FromHasher) => this.#take(message))
    this.#worker.on('error', (error) =>
      this.#fail(new EngineError('ERR_CHILD_FAILED', `the hash worker failed: ${error.message}`, { cause: error })),
    )
    context.signal.addEventListener('abort', this.#cancel, { once: true })
  }

  /**
   * Digests of a whole file.
   *
   * @param name how messages call the file
   * @throws ERR_IO when it can't be read, or ends early
   */
  async whole(fd: number, sizeBytes: number, name = 'the file'): Promise<Digests> {
    return assertSha256(await this.#digests(fd, sizeBytes, true, name))
  }

  /**
   * Only what was asked for of a whole file, and SHA-256 only if that is wanted; `withNewTail` can't follow.
   *
   * @throws ERR_IO when it can't be read, or ends early
   */
  async only(fd: number, sizeBytes: number, withSha256: boolean, name = 'the file'): Promise<Partial<Digests>> {
    return this.#digests(fd, sizeBytes, withSha256, name)
  }

  /**
   * Digests of a file whose first `keptBytes` bytes are those of the file that was hashed whole; the rest is read.
   *
   * @throws ERR_IO when it can't be read, or ends early
   */
  async withNewTail(fd: number, keptBytes: number, sizeBytes: number, name = 'the file'): Promise<Digests> {
    return assertSha256(await this.#ask({ kind: 'new tail', fd, keptBytes, sizeBytes }, name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.signal.removeEventListener('abort', this.#cancel)
    await this.#worker.terminate()
  }

  async #digests(fd: number, sizeBytes: number, withSha256: boolean, name: string): Promise<Partial<Digests>> {
    this.#totalBytes = sizeBytes
    return this.#ask({ kind: 'whole', fd, sizeBytes, withSha256, ...this.#options }, name)
  }

  #ask(request: ToHasher, name: string): Promise<Partial<Digests>> {
    const asked = this.#turn.then(() => this.#askNow(request, name))
    this.#turn = asked.catch(() => undefined)
    return asked
  }

  async #askNow(request: ToHasher, name: string): Promise<Partial<Digests>> {
    const answer = await new Promise<FromHasher>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      if (this.#pending !== undefined) throw new InternalError('ERR_INTERNAL', 'two files hashed at once')
      this.#pending = { resolve, reject }
      this.#worker.postMessage(request)
    })
    if (answer.kind === 'failed')
      throw new MachineError('ERR_IO', `could not hash ${name}: ${answer.message}`, {
        hint: 'check the disk, then run the same command again',
        details: { errno: answer.errno },
      })
    if (answer.kind !== 'digests')
      throw new InternalError('ERR_INTERNAL', `the hash worker answered with ${answer.kind}`)
    return answer.digests
  }

  #take(message: FromHasher): void {
    if (message.kind === 'progress') {
      this.#context.report({
        kind: 'progress',
        phase: 'hash',
        doneBytes: message.doneBytes,
        totalBytes: this.#totalBytes,
      })
      return
    }
    const pending = this.#pending
    this.#pending = undefined
    pending?.resolve(message)
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#pending?.reject(this.#failure)
    this.#pending = undefined
  }
}

function assertSha256({ sha256, ...others }: Partial<Digests>): Digests {
  if (sha256 === undefined) throw new InternalError('ERR_INTERNAL', 'the hash worker left out SHA-256')
  return { sha256, ...others }
}
