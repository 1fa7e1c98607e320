/**
 * Speed of the block decoder and the block encoder on one core, against `bzip2` and `lbzip2 -n1` on the same bytes.
 *
 * User time, because it stays nearly the same on a busy machine; ours with the compiler threads of the JavaScript engine in
 * it. Ours and theirs take turns. Decoding is measured twice: as the block index does it, every block decoded and its CRC
 * checked; and with all decoded bytes written to memory, too, which a bake does only for what it edits.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder } from '#src/codec/bzip2/block-decoder.js'
import { BlockEncoder } from '#src/codec/bzip2/block-encoder.js'
import { BlockChain } from '#src/codec/bzip2/chain.js'
import { readAtFrom } from '#src/codec/bzip2/read-at.js'
import { RunLengthText } from '#src/codec/bzip2/run-length.js'
import { type BenchImage, imagePath } from './images.js'
import { cleanUp } from './measure.js'
import { WORK } from './paths.js'
import { ENV, run } from './programs.js'
import { median } from './results.js'

export interface CodecRow {
  readonly name: string
  readonly megabytesPerSecond: number
  readonly timesBzip2: number
}

export interface CodecSpeed {
  readonly rawBytes: number
  readonly bzip2Bytes: number
  readonly ourBytes: number
  readonly decoders: readonly CodecRow[]
  readonly encoders: readonly CodecRow[]
}

export const OUR_DECODER = 'ours, decoded and checked'

const ROUNDS = 5
/** Of USR-A's files, which begin at 132 MiB and behind the filesystem's own tables. */
const DENSE_MIB = { skip: 256, count: 32 } as const
const LEVEL = 9
const PIECE_BYTES = 1 << 20

/** Seconds of user time that one pass takes. */
type Pass = () => number

/** @param image raw; its dense data is what is coded */
export async function measureBlockCodec(image: BenchImage): Promise<CodecSpeed> {
  cleanUp()
  const raw = join(WORK, 'dense')
  const packed = `${raw}.bz2`
  const { skip, count } = DENSE_MIB
  const cut = `lbzip2 -dc "$0" | dd of="$1" bs=1M iflag=fullblock skip=${skip} count=${count} status=none; bzip2 -zc "$1" > "$2"`
  await run('bash', ['-c', cut, imagePath(image, 'bare'), raw, packed])
  const rawBytes = statSync(raw).size
  if (rawBytes !== count << 20) throw new Error(`${image.title} has no ${count} MiB at ${skip} MiB`)
  const ourBytes = { encoded: 0 }
  const decoders = await inTurns(rawBytes, {
    [OUR_DECODER]: () => ofThisProcess(() => decodeAll(packed, rawBytes)),
    'ours, with the bytes written to memory': () => ofThisProcess(() => writeOutAll(packed, rawBytes)),
    'lbzip2 -n1': () => ofProgram('lbzip2', ['-n1', '-dc', packed]),
    bzip2: () => ofProgram('bzip2', ['-dc', packed]),
  })
  const bytes = readFileSync(raw)
  const encoders = await inTurns(rawBytes, {
    ours: () =>
      ofThisProcess(() => {
        ourBytes.encoded = encodeAll(bytes)
      }),
    'lbzip2 -n1': () => ofProgram('lbzip2', ['-n1', '-zc', raw]),
    bzip2: () => ofProgram('bzip2', ['-zc', raw]),
  })
  return { rawBytes, bzip2Bytes: statSync(packed).size, ourBytes: ourBytes.encoded, decoders, encoders }
}

async function inTurns(rawBytes: number, passes: Readonly<Record<string, Pass>>): Promise<readonly CodecRow[]> {
  const seconds = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, pass] of Object.entries(passes)) seconds.set(name, [...(seconds.get(name) ?? []), pass()])
  const of = (name: string): number => median(seconds.get(name) ?? [])
  return Object.keys(passes).map((name) => ({
    name,
    megabytesPerSecond: rawBytes / of(name) / 1e6,
    timesBzip2: of('bzip2') / of(name),
  }))
}

function ofThisProcess(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return process.cpuUsage(before).user / 1e6
}

/** The shell's `times` says what its children took: its second line, user time first. */
function ofProgram(program: string, args: readonly string[]): number {
  const script = '"$@" > /dev/null && times >&2'
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', program, ...args], { env: ENV, encoding: 'utf8' })
  const [, minutes, seconds] = /(\d+)m([\d.]+)s \S+\n?$/.exec(stderr) ?? []
  if (status !== 0 || seconds === undefined) throw new Error(`${program} ended with ${status}: ${stderr}`)
  return Number(minutes) * 60 + Number(seconds)
}

function decodeAll(packed: string, rawBytes: number): void {
  withChain(packed, (chain) => {
    const { rawLength, stop } = chain.walk('start of file', Number.POSITIVE_INFINITY)
    const total = rawLength.reduce((sum, length) => sum + length, 0)
    if (stop.kind !== 'end' || total !== rawBytes)
      throw new Error(`decoded ${total} of ${rawBytes} bytes: ${stop.kind}`)
  })
}

function writeOutAll(packed: string, rawBytes: number): void {
  withChain(packed, (chain, decoder) => {
    const piece = Buffer.alloc(PIECE_BYTES)
    let total = 0
    /** Behind the file's only header. */
    let bit = 4 * 8
    for (let block = chain.decode(bit); block.kind === 'block'; block = chain.decode(bit)) {
      const text = new RunLengthText(decoder.text())
      for (let offset = 0; offset < text.rawLength; offset += PIECE_BYTES)
        text.copyInto(piece.subarray(0, Math.min(PIECE_BYTES, text.rawLength - offset)), offset)
      total += text.rawLength
      bit = block.endBit
    }
    if (total !== rawBytes) throw new Error(`decoded ${total} of ${rawBytes} bytes`)
  })
}

function withChain(packed: string, use: (chain: BlockChain, decoder: BlockDecoder) => void): void {
  const fd = openSync(packed, 'r')
  try {
    const decoder = new BlockDecoder(compileBlockCodec())
    use(new BlockChain(decoder, readAtFrom(fd), statSync(packed).size), decoder)
  } finally {
    closeSync(fd)
  }
}

/** @returns how many bytes the blocks would take in a file */
function encodeAll(bytes: Buffer): number {
  const encoder = new BlockEncoder(compileBlockCodec())
  let bits = 0
  for (let offset = 0; offset < bytes.length; ) {
    encoder.begin(LEVEL)
    offset += encoder.feed(bytes.subarray(offset))
    bits += encoder.finish().bitLength
  }
  return Math.ceil(bits / 8)
}
