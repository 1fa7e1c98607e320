/**
 * The body of an answer. Every byte that came is handed on, also those just before the connection was cut: a stream that is
 * iterated over forgets what it still holds when it fails, and a server that cuts us off again and again would never be done
 * with.
 */
import type { Readable } from 'node:stream'

/** More is not taken from the connection until some of it has been handed on. */
const WAITING_BYTES_MAX = 1 << 20

/** Iterating gives what came, then ends, or throws what the connection failed with. */
export class Incoming implements AsyncIterable<Buffer> {
  readonly #body: Readable
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #ended: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  /** To be made as soon as the answer is there. */
  constructor(body: Readable) {
    this.#body = body
    body.on('data', (bytes: Buffer) => {
      this.#waiting.push(bytes)
      this.#waitingBytes += bytes.length
      if (this.#waitingBytes > WAITING_BYTES_MAX) body.pause()
      this.#wake()
    })
    const end = (error?: unknown): void => {
      this.#ended ??= { error }
      this.#wake()
    }
    body.once('end', () => end())
    body.once('error', end)
    body.once('close', () => end(new Error('the connection was closed')))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const bytes = this.#waiting.shift()
      if (bytes !== undefined) {
        this.#waitingBytes -= bytes.length
        if (this.#body.isPaused() && this.#waitingBytes <= WAITING_BYTES_MAX / 2) this.#body.resume()
        yield bytes
      } else if (this.#ended !== undefined) {
        if (this.#ended.error !== undefined) throw this.#ended.error
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  /** Takes no more of it. */
  drop(): void {
    this.#body.destroy()
  }
}
