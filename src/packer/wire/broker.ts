/**
 * Which stream belongs to which service: Packer's "mux broker".
 *
 * Source: hashicorp/packer packer/rpc/mux_broker.go. Whoever opens a stream writes the service's number first (u32,
 * little-endian); the other side echoes these four bytes, then the stream is the service's. Number 0 is the plugin's main
 * service; the others are counted from 1 by the side that offers them, and travel in the answers of calls.
 */
import type { Duplex } from 'node:stream'
import { ProtocolError } from './protocol-error.js'
import { YamuxSession } from './yamux.js'

const NUMBER_BYTES = 4
/** Go's side waits no longer than this either. */
const DIAL_TIMEOUT_MS = 5000

type Serve = (stream: Duplex) => void

export class Broker {
  readonly #session: YamuxSession
  readonly #offered = new Map<number, Serve>()
  #lastNumber = 0

  constructor(socket: Duplex, role: 'client' | 'server') {
    this.#session = new YamuxSession(socket, role, (stream) => {
      this.#welcome(stream).catch(() => stream.destroy())
    })
  }

  nextNumber(): number {
    this.#lastNumber += 1
    return this.#lastNumber
  }

  /** To be called before the number is told: a stream for a number that nobody offers is refused. */
  offer(number: number, serve: Serve): void {
    this.#offered.set(number, serve)
  }

  /** @throws ProtocolError when the other side does not offer that service */
  async dial(number: number): Promise<Duplex> {
    const stream = this.#session.open()
    const timer = setTimeout(() => stream.destroy(), DIAL_TIMEOUT_MS)
    try {
      stream.write(formatNumber(number))
      const echoed = await readNumber(stream)
      if (echoed !== number) throw new ProtocolError(`broker: dialled ${number}, was given ${echoed}`)
      return stream
    } catch (error) {
      stream.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #welcome(stream: Duplex): Promise<void> {
    const number = await readNumber(stream)
    const serve = this.#offered.get(number)
    if (serve === undefined) throw new ProtocolError(`broker: nobody offers service ${number}`)
    this.#offered.delete(number)
    stream.write(formatNumber(number))
    serve(stream)
  }
}

function formatNumber(number: number): Buffer {
  const bytes = Buffer.alloc(NUMBER_BYTES)
  bytes.writeUInt32LE(number)
  return bytes
}

async function readNumber(stream: Duplex): Promise<number> {
  for (;;) {
    const bytes: unknown = stream.read(NUMBER_BYTES)
    if (Buffer.isBuffer(bytes) && bytes.length === NUMBER_BYTES) return bytes.readUInt32LE(0)
    if (stream.readableEnded || stream.destroyed || bytes !== null)
      throw new ProtocolError('broker: the stream ended before its number')
    await new Promise<void>((resolve) => {
      for (const event of ['readable', 'end', 'close']) stream.once(event, resolve)
    })
  }
}
