/**
 * Calls over a stream: Go's net/rpc, with MessagePack in place of gob.
 *
 * Source: Go's net/rpc server.go and client.go (what a header holds), ugorji/go codec/rpc.go (`goRpcCodec`: header and
 * body are two MessagePack values, one after the other, with nothing between). Structs are maps by Go's field names. A
 * body follows in any case, also behind an error. Calls are served as they come, beside each other, as in Go: the caller
 * who wants order waits for each answer.
 */
import type { Duplex } from 'node:stream'
import { decodeMultiStream, encode } from '@msgpack/msgpack'
import { field, stringField } from '../../oem/mapping.js'
import { ProtocolError } from './protocol-error.js'

export type Answer = (argument: unknown) => unknown
export type Service = Readonly<Record<string, Answer>>

interface Message {
  readonly header: unknown
  readonly body: unknown
}

async function* messages(stream: Duplex): AsyncGenerator<Message> {
  let header: { readonly value: unknown } | undefined
  // Not destroyed at its end: what we write to it is ended by itself.
  for await (const value of decodeMultiStream(stream.iterator({ destroyOnReturn: false }))) {
    if (header === undefined) {
      header = { value }
      continue
    }
    yield { header: header.value, body: value }
    header = undefined
  }
}

/** Go's uint64 of a connection's nth call. */
function sequenceOf(header: unknown): number {
  const sequence = field(header, 'Seq')
  if (typeof sequence === 'number') return sequence
  throw new ProtocolError(`rpc: a header without Seq: ${JSON.stringify(header)}`)
}

export class RpcClient {
  readonly #stream: Duplex
  readonly #waiting = new Map<number, { resolve(body: unknown): void; reject(error: Error): void }>()
  #next = 0
  #ended = false

  constructor(stream: Duplex) {
    this.#stream = stream
    this.#listen().catch(() => undefined)
  }

  /** @throws Error with the other side's words */
  call(method: string, argument: unknown = null): Promise<unknown> {
    const sequence = this.#next
    this.#next += 1
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new ProtocolError(`rpc: ${method} after the connection had ended`))
        return
      }
      this.#waiting.set(sequence, { resolve, reject })
      this.#stream.write(Buffer.concat([encode({ ServiceMethod: method, Seq: sequence }), encode(argument)]))
    })
  }

  close(): void {
    this.#stream.end()
  }

  async #listen(): Promise<void> {
    try {
      for await (const { body, header } of messages(this.#stream)) {
        const sequence = sequenceOf(header)
        const call = this.#waiting.get(sequence)
        this.#waiting.delete(sequence)
        const error = stringField(header, 'Error') ?? ''
        if (error === '') call?.resolve(body)
        else call?.reject(new Error(error))
      }
    } finally {
      this.#ended = true
      for (const { reject } of this.#waiting.values()) reject(new ProtocolError('rpc: the connection ended'))
      this.#waiting.clear()
    }
  }
}

/**
 * Answers calls until the other side closes the stream.
 *
 * @param log told what failed, with all that is known; the other side gets the message only
 */
export async function serveCalls(stream: Duplex, service: Service, log: (text: string) => void): Promise<void> {
  try {
    for await (const { body, header } of messages(stream)) {
      const method = stringField(header, 'ServiceMethod') ?? ''
      const sequence = sequenceOf(header)
      void answer(service, method, body, log).then(({ error, reply }) => {
        // The stream may be gone meanwhile; then nobody waits for the answer.
        if (!stream.writable) return
        const head = encode({ ServiceMethod: method, Seq: sequence, Error: error })
        stream.write(Buffer.concat([head, encode(reply)]))
      })
    }
  } catch (error) {
    log(`connection: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    stream.end()
  }
}

async function answer(
  service: Service,
  method: string,
  argument: unknown,
  log: (text: string) => void,
): Promise<{ readonly error: string; readonly reply: unknown }> {
  try {
    const call = Object.hasOwn(service, method) ? service[method] : undefined
    if (call === undefined) throw new ProtocolError(`rpc: can't find method ${method}`)
    return { error: '', reply: (await call(argument)) ?? null }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    log(`${method}: ${error instanceof Error ? (error.stack ?? message) : message}`)
    // An empty string would mean success.
    return { error: message === '' ? 'unknown error' : message, reply: {} }
  }
}
