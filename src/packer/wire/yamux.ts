/**
 * A yamux session: streams as Node's own Duplex, over one socket.
 *
 * Source: hashicorp/yamux spec.md, "Framing" and "Flow control". Packer's core is the client (odd stream ids), a plugin
 * the server (even ones). Core pings every 30 s and ends the session when no answer comes within 10 s: whatever blocks
 * this process's event loop that long loses the build, which is why bakes run in a process of their own.
 */
import { Duplex } from 'node:stream'
import { ProtocolError } from './protocol-error.js'
import { FLAG, FRAME, FrameReader, type FrameType, formatFrame, INITIAL_WINDOW_BYTES } from './yamux-frame.js'

type Send = (type: FrameType, flags: number, stream: number, length: number, body?: Buffer) => void
type Done = (error?: Error | null) => void

export class YamuxStream extends Duplex {
  readonly id: number
  readonly #send: Send
  /** SYN or ACK, until it has ridden on a frame. */
  #greeting: number
  #sendWindow = INITIAL_WINDOW_BYTES
  #receiveWindow = INITIAL_WINDOW_BYTES
  /** Taken off the receive window and not yet given back. */
  #taken = 0
  #unsent: { rest: Buffer; readonly done: Done } | undefined

  constructor(id: number, greeting: number, send: Send) {
    super()
    this.id = id
    this.#greeting = greeting
    this.#send = send
    // An empty window update carries SYN or ACK at once: the other side waits for it.
    this.#frame(FRAME.window, 0, 0)
  }

  #frame(type: FrameType, flags: number, length: number, body?: Buffer): void {
    this.#send(type, flags | this.#greeting, this.id, length, body)
    this.#greeting = 0
  }

  /** @throws ProtocolError when the other side sends more than it may */
  receive(body: Buffer): void {
    if (body.length > this.#receiveWindow) throw new ProtocolError(`yamux: stream ${this.id} sent more than its window`)
    this.#receiveWindow -= body.length
    this.#taken += body.length
    if (this.push(body)) this.#giveBack()
  }

  /** The other side's FIN. */
  receiveEnd(): void {
    this.push(null)
  }

  widen(byBytes: number): void {
    this.#sendWindow += byBytes
    this.#flush()
  }

  #giveBack(): void {
    // In halves, as the Go side does: fewer frames.
    if (this.#taken < INITIAL_WINDOW_BYTES / 2) return
    this.#frame(FRAME.window, 0, this.#taken)
    this.#receiveWindow += this.#taken
    this.#taken = 0
  }

  #flush(): void {
    const unsent = this.#unsent
    if (unsent === undefined) return
    while (unsent.rest.length > 0) {
      const count = Math.min(unsent.rest.length, this.#sendWindow)
      if (count === 0) return
      this.#sendWindow -= count
      this.#frame(FRAME.data, 0, count, unsent.rest.subarray(0, count))
      unsent.rest = unsent.rest.subarray(count)
    }
    this.#unsent = undefined
    unsent.done()
  }

  override _read(): void {
    this.#giveBack()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#unsent = { rest: bytes, done }
    this.#flush()
  }

  override _final(done: Done): void {
    this.#frame(FRAME.window, FLAG.fin, 0)
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.writableFinished) this.#frame(FRAME.window, FLAG.rst, 0)
    done(error)
  }
}

export class YamuxSession {
  readonly #socket: Duplex
  readonly #streams = new Map<number, YamuxStream>()
  readonly #onStream: (stream: YamuxStream) => void
  readonly #reader = new FrameReader()
  readonly #peerParity: number
  #nextId: number

  /** @param onStream called with each stream that the other side opens */
  constructor(socket: Duplex, role: 'client' | 'server', onStream: (stream: YamuxStream) => void) {
    this.#socket = socket
    this.#onStream = onStream
    this.#nextId = role === 'client' ? 1 : 2
    this.#peerParity = role === 'client' ? 0 : 1
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const frame of this.#reader.read(bytes)) this.#take(frame.type, frame)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined)
      }
    })
    socket.on('close', () => {
      for (const stream of this.#streams.values()) stream.destroy()
    })
  }

  open(): YamuxStream {
    const id = this.#nextId
    this.#nextId += 2
    return this.#add(id, FLAG.syn)
  }

  #add(id: number, greeting: number): YamuxStream {
    const stream = new YamuxStream(id, greeting, (type, flags, to, length, body) => {
      if (!this.#socket.writable) return
      this.#socket.write(formatFrame(type, flags, to, length, body))
    })
    this.#streams.set(id, stream)
    stream.on('close', () => this.#streams.delete(id))
    // A stream that breaks is told to whoever reads or writes it; alone it must not end the process.
    stream.on('error', () => undefined)
    return stream
  }

  #take(
    type: FrameType,
    { body, flags, length, stream: id }: { body: Buffer; flags: number; length: number; stream: number },
  ): void {
    if (type === FRAME.ping) {
      if ((flags & FLAG.syn) !== 0) this.#socket.write(formatFrame(FRAME.ping, FLAG.ack, 0, length))
      return
    }
    // Go away: no new streams from the other side; those that are there go on.
    if (type === FRAME.goAway) return
    if ((flags & FLAG.syn) !== 0) {
      if (id % 2 !== this.#peerParity || this.#streams.has(id))
        throw new ProtocolError(`yamux: stream ${id} can't be opened`)
      this.#onStream(this.#add(id, FLAG.ack))
    }
    const stream = this.#streams.get(id)
    // What was on its way when we closed the stream.
    if (stream === undefined) return
    if (type === FRAME.window) stream.widen(length)
    else stream.receive(body)
    if ((flags & FLAG.rst) !== 0) stream.destroy()
    else if ((flags & FLAG.fin) !== 0) stream.receiveEnd()
  }
}
