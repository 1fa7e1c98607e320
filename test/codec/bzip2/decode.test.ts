import { execFileSync } from 'node:child_process'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeBzip2, type Sink, WORKER_DECODER } from '#src/codec/bzip2/decode.js'
import { findBzip2Programs } from '#src/codec/bzip2/programs.js'
import { BZIP2_PROGRAMS, compress, environmentWith } from '../../support/bzip2.js'
import { craftStream, hostileBlock } from '../../support/bzip2-craft.js'
import { childNames } from '../../support/children.js'
import { testContext } from '../../support/context.js'
import { rejectsWithCode } from '../../support/errors.js'
import { withFault } from '../../support/faults.js'
import { noise, prose } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
const DECODERS = [...BZIP2_PROGRAMS, WORKER_DECODER] as const
type Decoder = (typeof DECODERS)[number]

/** Decodes a file in memory with one decoder; the sink gets each piece. */
async function decode(file: Buffer, decoder: Decoder, sink: Sink, context = testContext()): Promise<void> {
  const path = join(directory, `${decoder}-${Math.random().toString(36).slice(2)}.bz2`)
  await writeFile(path, file)
  const env = environmentWith(directory, decoder === WORKER_DECODER ? [] : [decoder])
  const [program] = await findBzip2Programs({ ...context, env })
  expect(program?.name ?? WORKER_DECODER).toBe(decoder)
  const handle = await open(path, 'r')
  try {
    await decodeBzip2({ handle, sizeBytes: file.length, name: 'x.bz2' }, program, sink, 'decode', context)
  } finally {
    await handle.close()
  }
}

async function decoded(file: Buffer, decoder: Decoder): Promise<Buffer> {
  const pieces: Buffer[] = []
  await decode(file, decoder, async (bytes) => void pieces.push(Buffer.from(bytes)))
  return Buffer.concat(pieces)
}

const EMPTY = compress(Buffer.alloc(0))
const TEXT = prose(250_000)
/** One block each but for the lowest levels. */
const TEXT_FILES = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => compress(TEXT, level)),
  compress(TEXT, 1, 'lbzip2'),
  compress(TEXT, 1, 'pbzip2'),
]
/** More than is read at a time. */
const NOISE_FILE = compress(noise(600_000), 1, 'lbzip2')
/** Level 1 holds 100 000 bytes less 19, after runs of 4 to 255 became 5 bytes. */
const RUNS = Buffer.concat([noise(99_970), Buffer.alloc(300, 7), noise(99_000, 2), Buffer.alloc(5000)])
const RUNS_FILES = BZIP2_PROGRAMS.map((program) => compress(RUNS, 1, program))

describe.each(DECODERS)('decodeBzip2 with %s', (decoder) => {
  it('gives back what bzip2 at every level, lbzip2 and pbzip2 took', async () => {
    for (const file of TEXT_FILES) expect((await decoded(file, decoder)).equals(TEXT)).toBe(true)
  })

  it('joins streams, and passes over empty ones first, in the middle and last', async () => {
    const file = Buffer.concat([
      EMPTY,
      compress(Buffer.from('one,'), 1),
      EMPTY,
      EMPTY,
      compress(Buffer.from('two,'), 5, 'lbzip2'),
      compress(Buffer.from('three'), 9, 'pbzip2'),
      EMPTY,
    ])
    expect((await decoded(file, decoder)).toString()).toBe('one,two,three')
    expect(await decoded(EMPTY, decoder)).toHaveLength(0)
  })

  it('gives back runs that end on the edge of a block', async () => {
    for (const file of RUNS_FILES) expect((await decoded(file, decoder)).equals(RUNS)).toBe(true)
  })

  it('hands over one piece at a time, in order, to a sink that takes its time', async () => {
    let atOnce = 0
    let most = 0
    const pieces: Buffer[] = []
    await decode(NOISE_FILE, decoder, async (bytes) => {
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setTimeout(resolve, 40))
      pieces.push(Buffer.from(bytes))
      atOnce--
    })
    expect(most).toBe(1)
    expect(Buffer.concat(pieces).equals(noise(600_000))).toBe(true)
  })

  it('calls damage ERR_BZIP2_CORRUPT', async () => {
    const damaged = Buffer.from(TEXT_FILES[0]!)
    damaged[5000] = damaged[5000]! ^ 1
    await rejectsWithCode(decoded(damaged, decoder), 'ERR_BZIP2_CORRUPT')
    expect(childNames()).toEqual([])
  })

  it('throws what the sink throws, and leaves no child', async () => {
    const failure = new Error('the sink')
    await expect(decode(NOISE_FILE, decoder, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(childNames()).toEqual([])
  })

  it('throws ERR_CANCELLED in the middle, and leaves no child', async () => {
    const abort = new AbortController()
    let pieces = 0
    const sink = async () => {
      if (++pieces === 2) abort.abort()
    }
    await rejectsWithCode(decode(NOISE_FILE, decoder, sink, testContext({ signal: abort.signal })), 'ERR_CANCELLED')
    expect(childNames()).toEqual([])
  })

  it('throws ERR_CANCELLED when the run was cancelled before', async () => {
    const context = testContext({ signal: AbortSignal.abort() })
    await rejectsWithCode(
      decode(NOISE_FILE, decoder, async () => undefined, context),
      'ERR_CANCELLED',
    )
    expect(childNames()).toEqual([])
  })

  it.each([
    ['EIO', 'ERR_IO'],
    ['EACCES', 'ERR_PERMISSION'],
    ['nothing', 'ERR_IO'],
  ] as const)('does not blame the image when the nth read fails (%s), for every n', async (kind, code) => {
    for (let nth = 1; ; nth++) {
      const { fired, failure } = await withFault({ kind, nth, operations: ['read'] }, () =>
        decoded(NOISE_FILE, decoder),
      )
      // The last read finds the end of the file.
      if (fired === undefined || failure === undefined) {
        expect(nth).toBeGreaterThan(2)
        break
      }
      await rejectsWithCode(Promise.reject(failure), code)
    }
    expect(childNames()).toEqual([])
  })

  it('does not call a file whole whose second half could not be read, when the first ends with a stream', async () => {
    // 256 KiB is what is read at a time; a stream and empty streams fill it to the byte.
    const first = Array.from({ length: 100 }, (_, length) => compress(noise(length))).find(
      ({ length }) => length % EMPTY.length === 2 ** 18 % EMPTY.length,
    )!
    const fill = Array.from({ length: (2 ** 18 - first.length) / EMPTY.length }, () => EMPTY)
    const file = Buffer.concat([first, ...fill, compress(Buffer.from('the second half'))])
    const { fired, failure } = await withFault({ kind: 'EIO', nth: 2, operations: ['read'] }, () =>
      decoded(file, decoder),
    )
    expect(fired).toBe('read')
    await rejectsWithCode(Promise.reject(failure), 'ERR_IO')
  })

  it('counts the compressed bytes, up to all of them', async () => {
    const context = testContext()
    const file = NOISE_FILE
    await decode(file, decoder, async () => undefined, context)
    const counted = context.events.flatMap((event) => (event.kind === 'progress' ? [event] : []))
    expect(counted.at(-1)).toEqual({
      kind: 'progress',
      phase: 'decode',
      doneBytes: file.length,
      totalBytes: file.length,
    })
    expect(counted.map(({ doneBytes }) => doneBytes)).toEqual(
      [...counted.map(({ doneBytes }) => doneBytes)].sort((a, b) => a - b),
    )
  })

  it('refuses a block that announces more bytes than any block holds', async () => {
    const run = (symbols: number) => craftStream([hostileBlock([50, ...Array<number>(symbols).fill(0), 60])])
    for (const symbols of [20, 30, 31]) await rejectsWithCode(decoded(run(symbols), decoder), 'ERR_BZIP2_CORRUPT')
  })
})

describe('the decoder in a worker', () => {
  it('decodes a block of 34 MB of zeros, or says ERR_DECODER_MEMORY, but never takes the process with it', () => {
    // From 33.4 MB on, the array is as big as for the most that a block can hold.
    // In a process of its own: V8 ends a whole process that asks for too much at once.
    const script = `
      import { open } from 'node:fs/promises'
      import { decodeBzip2 } from '#src/codec/bzip2/decode.js'
      const handle = await open(process.argv[1], 'r')
      const file = { handle, sizeBytes: (await handle.stat()).size, name: 'x' }
      const context = { report() {}, env: {}, signal: new AbortController().signal }
      let bytes = 0
      const outcome = await decodeBzip2(file, undefined, async (piece) => { bytes += piece.length }, 'decode', context)
        .then(() => String(bytes), (error) => error.code)
      console.log(outcome)`
    const path = join(directory, 'zeros.bz2')
    execFileSync('sh', ['-c', 'head -c 34000000 /dev/zero | bzip2 -9 > "$1"', 'sh', path])
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script, path], { encoding: 'utf8' })
    expect(said.trim()).toMatch(/^(34000000|ERR_DECODER_MEMORY)$/)
  })
})
