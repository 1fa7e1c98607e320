/**
 * Frames of yamux, which carries many streams over the one socket between Packer and a plugin.
 *
 * Source: hashicorp/yamux spec.md, "Framing". Header of 12 bytes, big-endian:
 *
 *   0   u8    version, 0
 *   1   u8    type: 0 data, 1 window update, 2 ping, 3 go away
 *   2   u16   flags: 1 SYN, 2 ACK, 4 FIN, 8 RST
 *   4   u32   stream; 0 for ping and go away
 *   8   u32   data: bytes that follow; window: what is added to it; ping: a value to echo; go away: reason
 */
import { ProtocolError } from './protocol-error.js'

export const FRAME = { data: 0, window: 1, ping: 2, goAway: 3 } as const
export type FrameType = (typeof FRAME)[keyof typeof FRAME]

export const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const

export const HEADER_BYTES = 12

/** What a side may send on a stream before the other has to allow more; the same both ways. */
export const INITIAL_WINDOW_BYTES = 256 * 1024

export interface Frame {
  readonly type: FrameType
  readonly flags: number
  readonly stream: number
  /** The header's last field. */
  readonly length: number
  /** Of data frames; empty for all others. */
  readonly body: Buffer
}

const TYPES: readonly FrameType[] = Object.values(FRAME)
const NOTHING: Buffer = Buffer.alloc(0)

export function formatFrame(
  type: FrameType,
  flags: number,
  stream: number,
  length: number,
  body: Buffer = NOTHING,
): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + body.length)
  frame.writeUInt8(type, 1)
  frame.writeUInt16BE(flags, 2)
  frame.writeUInt32BE(stream, 4)
  frame.writeUInt32BE(length, 8)
  body.copy(frame, HEADER_BYTES)
  return frame
}

/** Takes bytes as a socket delivers them, and gives the frames that are whole. */
export class FrameReader {
  #kept: Buffer = NOTHING;

  /** @throws ProtocolError for another version, an unknown type, or more data than any window allows */
  *read(bytes: Buffer): Generator<Frame> {
    this.#kept = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes])
    while (this.#kept.length >= HEADER_BYTES) {
      const header = this.#kept
      const version = header.readUInt8(0)
      if (version !== 0) throw new ProtocolError(`yamux: expected version 0, found ${version}`)
      const type = TYPES.find((known) => known === header.readUInt8(1))
      if (type === undefined) throw new ProtocolError(`yamux: unknown frame type ${header.readUInt8(1)}`)
      const length = header.readUInt32BE(8)
      const bodyBytes = type === FRAME.data ? length : 0
      // Checked on the header, so that a lie costs no memory.
      if (bodyBytes > INITIAL_WINDOW_BYTES)
        throw new ProtocolError(`yamux: a frame of ${bodyBytes} bytes is more than the window`)
      if (header.length < HEADER_BYTES + bodyBytes) return
      const body = header.subarray(HEADER_BYTES, HEADER_BYTES + bodyBytes)
      this.#kept = header.subarray(HEADER_BYTES + bodyBytes)
      yield { type, flags: header.readUInt16BE(2), stream: header.readUInt32BE(4), length, body }
    }
  }
}
