import { once } from 'node:events'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '#src/packer/wire/protocol-error.js'
import { YamuxSession, type YamuxStream } from '#src/packer/wire/yamux.js'
import {
  FLAG,
  FRAME,
  type Frame,
  FrameReader,
  formatFrame,
  HEADER_BYTES,
  INITIAL_WINDOW_BYTES,
} from '#src/packer/wire/yamux-frame.js'
import { noise } from '../support/random.js'

const U32 = { max: 2 ** 32 - 1 }
const frames = fc.array(
  fc.record({
    type: fc.constantFrom(...Object.values(FRAME)),
    flags: fc.nat({ max: 0xffff }),
    stream: fc.nat(U32),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    length: fc.nat(U32),
  }),
  { maxLength: 12 },
)

describe('frames', () => {
  it('come back whole, wherever the socket cuts them', () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (written, cuts) => {
        const sent = written.map(({ body, length, ...rest }) =>
          rest.type === FRAME.data
            ? { ...rest, body, length: body.length }
            : { ...rest, length, body: Buffer.alloc(0) },
        )
        const bytes = Buffer.concat(
          sent.map(({ type, flags, stream, length, body }) => formatFrame(type, flags, stream, length, body)),
        )
        const reader = new FrameReader()
        const read: Frame[] = []
        for (let at = 0; at < bytes.length; ) {
          const count = cuts.next().value as number
          read.push(...reader.read(bytes.subarray(at, at + count)))
          at += count
        }
        expect(read).toEqual(sent)
      }),
    )
  })

  it.each([
    ['another version', (header: Buffer) => header.writeUInt8(1, 0)],
    ['a type that there is not', (header: Buffer) => header.writeUInt8(4, 1)],
    ['more data than a window holds', (header: Buffer) => header.writeUInt32BE(INITIAL_WINDOW_BYTES + 1, 8)],
  ])('are refused with %s, on the header alone', (_what, damage) => {
    const header = formatFrame(FRAME.data, 0, 1, 0)
    damage(header)
    expect(() => [...new FrameReader().read(header)]).toThrow(ProtocolError)
  })
})

/** Two ends of one wire, which cuts where it likes. */
function wire(): [Duplex, Duplex] {
  const ends: Duplex[] = []
  for (const other of [1, 0]) {
    ends.push(
      new Duplex({
        read: () => undefined,
        write: (bytes: Buffer, _encoding, done) => {
          for (let at = 0; at < bytes.length; at += 65_521) ends[other]?.push(bytes.subarray(at, at + 65_521))
          setImmediate(done)
        },
      }),
    )
  }
  return ends as [Duplex, Duplex]
}

async function streamPair(): Promise<{ ours: YamuxStream; theirs: YamuxStream; ends: [Duplex, Duplex] }> {
  const ends = wire()
  const theirs = new Promise<YamuxStream>((resolve) => new YamuxSession(ends[1], 'server', resolve))
  const ours = new YamuxSession(ends[0], 'client', () => undefined).open()
  return { ours, theirs: await theirs, ends }
}

/** The wire is in this process: after some turns of the event loop all that was going to move has moved. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream.iterator({ destroyOnReturn: false })) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

describe('streams', () => {
  it('carry many windows both ways at once, to the last byte', async () => {
    const { ours, theirs } = await streamPair()
    const [there, back] = [noise(3 * INITIAL_WINDOW_BYTES + 17, 'there'), noise(2 * INITIAL_WINDOW_BYTES + 5, 'back')]
    ours.end(there)
    theirs.end(back)
    const [arrived, returned] = await Promise.all([readAll(theirs), readAll(ours)])
    expect(arrived.equals(there)).toBe(true)
    expect(returned.equals(back)).toBe(true)
  })

  it('send no more than the window while nobody reads', async () => {
    const ends = wire()
    let sentBytes = 0
    const session = new YamuxSession(ends[0], 'client', () => undefined)
    const reader = new FrameReader()
    ends[1].on('data', (bytes: Buffer) => {
      for (const { type, length } of reader.read(bytes)) if (type === FRAME.data) sentBytes += length
    })
    const stream = session.open()
    stream.write(Buffer.alloc(INITIAL_WINDOW_BYTES * 2))
    await quiet()
    expect(sentBytes).toBe(INITIAL_WINDOW_BYTES)
    ends[1].write(formatFrame(FRAME.window, FLAG.ack, stream.id, 1000))
    await quiet()
    expect(sentBytes).toBe(INITIAL_WINDOW_BYTES + 1000)
  })

  it('end a session whose other side sends more than its window', async () => {
    const ends = wire()
    new YamuxSession(ends[0], 'server', () => undefined)
    const body = Buffer.alloc(INITIAL_WINDOW_BYTES)
    ends[1].write(formatFrame(FRAME.data, FLAG.syn, 1, body.length, body))
    ends[1].write(formatFrame(FRAME.data, 0, 1, 1, Buffer.alloc(1)))
    const [error] = (await once(ends[0], 'error')) as [Error]
    expect(error).toBeInstanceOf(ProtocolError)
  })

  it.each([
    ['with an even number by the client', 2],
    ['twice', 1],
  ])('can not be opened %s', async (_what, id) => {
    const ends = wire()
    new YamuxSession(ends[0], 'server', () => undefined)
    ends[1].write(formatFrame(FRAME.window, FLAG.syn, 1, 0))
    ends[1].write(formatFrame(FRAME.window, FLAG.syn, id, 0))
    const [error] = (await once(ends[0], 'error')) as [Error]
    expect(error).toBeInstanceOf(ProtocolError)
  })

  it('are closed when the socket is', async () => {
    const { ends, ours } = await streamPair()
    const closed = once(ours, 'close')
    ends[0].destroy()
    await closed
    expect(ours.destroyed).toBe(true)
  })
})

describe('a ping', () => {
  it('comes back with its value', async () => {
    const ends = wire()
    new YamuxSession(ends[0], 'server', () => undefined)
    ends[1].write(formatFrame(FRAME.ping, FLAG.syn, 0, 0xdeadbeef))
    const [bytes] = (await once(ends[1], 'data')) as [Buffer]
    expect(bytes).toHaveLength(HEADER_BYTES)
    expect([...new FrameReader().read(bytes)]).toMatchObject([
      { type: FRAME.ping, flags: FLAG.ack, length: 0xdeadbeef },
    ])
  })
})
