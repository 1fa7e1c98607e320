/**
 * Splices by the thousand: files of every encoder, level, stream layout and bit phase, and edits at every kind of place, each
 * run through the real splice and judged by bzip2 (and by lbzip2 and pbzip2, whose start costs more, for a share).
 */
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder } from '#src/codec/bzip2/block-decoder.js'
import { BlockIndex, type IndexKind } from '#src/codec/bzip2/block-index.js'
import { BlockReader } from '#src/codec/bzip2/block-reader.js'
import { BlockChain } from '#src/codec/bzip2/chain.js'
import { startCopy } from '#src/codec/bzip2/copy.js'
import { IndependentDecoder } from '#src/codec/bzip2/independent-decoder.js'
import { readAtFrom } from '#src/codec/bzip2/read-at.js'
import { SplicedImage } from '#src/codec/bzip2/splice-image.js'
import { SPLICE_LIMITS, type SpliceLimits } from '#src/codec/bzip2/splice-limits.js'
import { type Digests, FileHash } from '#src/source/file-hash.js'
import { InputDigest } from '#src/trust/input-digest.js'
import type { VerifiedImage } from '#src/trust/verify.js'
import { type Bzip2ProgramName, compress } from './bzip2.js'
import {
  blocksOf,
  type LaidOutFile,
  type LooseBlock,
  layOut,
  type PlacedBlock,
  phaseBlock,
  type StreamLayout,
  takeApart,
} from './bzip2-layout.js'
import { anchorOf } from './chains.js'
import { testContext } from './context.js'
import { digestsOf } from './digests.js'
import { EditedBytes } from './edited-bytes.js'
import { noise, prose } from './random.js'
import { withVerifiedImage } from './verified.js'

export const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const

export const LAYOUTS = [
  'as the program wrote it',
  'one stream',
  'several streams',
  'streams of different levels',
  'empty streams at the start',
  'empty streams in the middle',
  'empty streams at the end',
] as const
export type Layout = (typeof LAYOUTS)[number]

export interface FileCase {
  readonly program: Bzip2ProgramName
  readonly level: number
  readonly layout: Layout
  /** Bit phase of the second block of the first stream; those of later streams differ. */
  readonly phase: number
}

/** Mostly zeros, with dense and run-heavy parts; runs lie across the borders of blocks. */
export function imageContent(level: number, seed: string | number): Buffer {
  const unit = level * 100_000
  return Buffer.concat([
    noise(Math.floor(unit * 0.6), `${seed} a`),
    Buffer.alloc(300_000),
    runs(Math.floor(unit * 0.4), `${seed} b`),
    prose(Math.floor(unit * 0.4), `${seed} c`),
    Buffer.alloc(300_000),
    runs(Math.floor(unit * 0.2), `${seed} d`),
    noise(20_000, `${seed} e`),
    Buffer.alloc(50_000),
  ])
}

/** Runs of every length around those that the format treats specially: 3, 4, 5, 255, 259, 260. */
function runs(length: number, seed: string): Buffer {
  const bytes = Buffer.alloc(length)
  const choices = noise(length, seed)
  const lengths = [1, 2, 3, 4, 5, 8, 254, 255, 256, 258, 259, 260, 263, 264, 1000]
  for (let at = 0, choice = 0; at < length; choice += 2) {
    const count = lengths[choices[choice]! % lengths.length]!
    bytes.fill(choices[choice + 1]! & 3, at, Math.min(length, at + count))
    at += count
  }
  return bytes
}

const sources = new Map<string, readonly LooseBlock[]>()
function source(program: Bzip2ProgramName, level: number): readonly LooseBlock[] {
  const key = `${program} ${level}`
  const known = sources.get(key) ?? blocksOf(imageContent(level, key), level, program)
  sources.set(key, known)
  return known
}

export function fileOf({ program, level, layout, phase }: FileCase): LaidOutFile {
  if (layout === 'as the program wrote it')
    return layOut(takeApart(compress(imageContent(level, phase), level, program)))
  const blocks = source(program, level)
  const stream = (own: readonly LooseBlock[], index: number, ofLevel = level): StreamLayout => ({
    level: ofLevel,
    blocks: [phaseBlock((phase + 3 * index) % 8, phase + index), ...own],
  })
  const empty: StreamLayout = { level, blocks: [] }
  const half = Math.ceil(blocks.length / 2)
  const halves = [stream(blocks.slice(0, half), 0), stream(blocks.slice(half), 1)] as const
  switch (layout) {
    case 'one stream':
      return layOut([stream(blocks, 0)])
    case 'several streams':
      return layOut([...halves, stream(blocks.slice(0, 2), 2), stream(blocks.slice(-1), 3)])
    case 'streams of different levels': {
      const other = (level % 9) + 1
      return layOut([halves[0], stream(source(program, other).slice(0, 3), 2, other), { ...halves[1], level: 9 }])
    }
    case 'empty streams at the start':
      return layOut([empty, { ...empty, level: 9 }, ...halves])
    case 'empty streams in the middle':
      return layOut([halves[0], empty, { ...empty, level: 1 }, halves[1]])
    case 'empty streams at the end':
      return layOut([...halves, empty, { ...empty, level: (level % 9) + 1 }])
  }
}

export const PLACES = [
  'first block',
  'last block',
  'across two blocks',
  'across all blocks but the first and the last',
  'across streams',
  'first byte of a block',
  'last byte of a block',
  'a whole block',
  'first bytes of a partition',
  'last bytes of a partition',
  'both edges of a partition',
  'scattered bytes',
  'zeros become dense',
  'dense becomes zeros',
  'grown by zeros',
  'grown by dense bytes, with an edit at the start',
  'shrunk inside a block',
  'shrunk at a block edge',
] as const
export type Place = (typeof PLACES)[number]

/** What an edit at such a place makes of the image. */
export function edit({ decoded, blocks }: LaidOutFile, place: Place, seed: number): Buffer {
  const after = Buffer.from(decoded)
  const random = noise(64, `edit ${seed}`)
  const pick = (count: number, at = 0) => random.readUInt32LE(at) % Math.max(1, count)
  const block = blocks[pick(blocks.length)]!
  const next = blocks[Math.min(blocks.indexOf(block) + 1, blocks.length - 1)]!
  const end = ({ rawOffset, rawLength }: PlacedBlock) => rawOffset + rawLength
  const partition = { start: Math.floor(decoded.length * 0.4), end: Math.floor(decoded.length * 0.7) }
  switch (place) {
    case 'first block':
      return flipped(after, pick(blocks[0]!.rawLength), 1)
    case 'last block':
      return flipped(after, blocks.at(-1)!.rawOffset + pick(blocks.at(-1)!.rawLength), 1)
    case 'across two blocks':
      return flipped(after, Math.max(0, next.rawOffset - 5), 10)
    case 'across all blocks but the first and the last':
      return flipped(after, end(blocks[0]!) - 1, blocks.at(-1)!.rawOffset - end(blocks[0]!) + 2)
    case 'across streams': {
      const border = blocks.find(({ stream }, index) => index > 0 && stream !== blocks[index - 1]!.stream) ?? next
      return flipped(after, Math.max(0, border.rawOffset - 3), 6)
    }
    case 'first byte of a block':
      return flipped(after, block.rawOffset, 1)
    case 'last byte of a block':
      return flipped(after, end(block) - 1, 1)
    case 'a whole block':
      return flipped(after, block.rawOffset, block.rawLength)
    case 'first bytes of a partition':
      return flipped(after, partition.start, 4096)
    case 'last bytes of a partition':
      return flipped(after, partition.end - 4096, 4096)
    case 'both edges of a partition':
      return flipped(flipped(after, partition.start, 1), partition.end - 1, 1)
    case 'scattered bytes':
      for (let index = 0; index < 12; index++) flipped(after, pick(decoded.length, 4 * index), 1 + (index % 3))
      return after
    case 'zeros become dense':
      noise(150_000, seed).copy(after, pick(decoded.length - 150_000))
      return after
    case 'dense becomes zeros':
      return after.fill(0, pick(200_000), decoded.length - pick(200_000, 4))
    case 'grown by zeros':
      return Buffer.concat([after, Buffer.alloc(1 + pick(400_000))])
    case 'grown by dense bytes, with an edit at the start':
      return Buffer.concat([flipped(after, pick(1000), 7), noise(1 + pick(150_000), seed)])
    case 'shrunk inside a block':
      return after.subarray(0, block.rawOffset + 1 + pick(block.rawLength - 1))
    case 'shrunk at a block edge':
      return after.subarray(0, end(block))
  }
}

function flipped(bytes: Buffer, offset: number, length: number): Buffer {
  for (let at = offset; at < Math.min(bytes.length, offset + length); at++) bytes[at]! ^= 1 + (at % 255)
  return bytes
}

const JUDGES = { bzip2: ['-dc'], lbzip2: ['-dc', '-n2'], pbzip2: ['-dc', '-p2'] } as const
const run = promisify(execFile)

async function judge(path: string, expectedSha256: string, programs: readonly (keyof typeof JUDGES)[], label: string) {
  for (const program of programs) {
    const { stdout } = await run(program, [...JUDGES[program], path], { encoding: 'buffer', maxBuffer: 1 << 30 })
    expect(sha256(stdout), `${program} on ${label}`).toBe(expectedSha256)
    // Decoding is a test for bzip2 itself, and it judges every file.
    if (program !== 'bzip2' || programs.length > 1) await run(program, ['-t', path])
  }
}

function sha256(bytes: Buffer): string {
  return digestsOf(bytes).sha256
}

/** How many of each there were, so that a test can say that none was left out. */
export interface Tally {
  splices: number
  readonly by: Map<string, number>
}

export function newTally(): Tally {
  return { splices: 0, by: new Map() }
}

/** Splices edits at all these places into one file, indexed in each way that serves it. */
export async function runFileCase(
  fileCase: FileCase,
  places: readonly Place[],
  seed: number,
  directory: string,
  tally: Tally,
): Promise<void> {
  const file = fileOf(fileCase)
  const { program, level, layout, phase } = fileCase
  const name = `${program} -${level}, ${layout}, phase ${phase}, seed ${seed}`
  const path = join(directory, `input-${program}-${level}-${LAYOUTS.indexOf(layout)}-${phase}-${seed}.bz2`)
  await writeFile(path, file.bytes)
  await judge(path, sha256(file.decoded), ['bzip2'], `the input: ${name}`)
  await withVerifiedImage(path, async (image) => {
    for (const trusted of [true, false]) {
      const { index } = await openIndex(image, file, trusted)
      if (trusted && index.how !== 'tail') continue
      await using hash = new FileHash({ withSha512: true }, testContext())
      await using decoder = new IndependentDecoder(new AbortController().signal)
      const digest = new InputDigest(image, hash, testContext())
      for (const [nth, place] of places.entries()) {
        const after = edit(file, place, seed + nth)
        const label = `${place} of ${name} by ${index.how}`
        const how = index.how
        await spliceAndJudge(
          { image, index, hash, digest, decoder, file },
          after,
          label,
          judgesFor(fileCase, place, how, tally),
          // Every second one as in a file that is large enough for all that saves time.
          nth % 2 === 0 ? SPLICE_LIMITS : NO_LIMITS,
        )
        count(tally, place, layout, `${program} -${level}`, how, `phase ${phase}`)
      }
    }
  })
  expect((await readFile(path)).equals(file.bytes)).toBe(true)
  await rm(path)
}

function count(tally: Tally, ...keys: readonly string[]): void {
  tally.splices++
  for (const key of keys) tally.by.set(key, (tally.by.get(key) ?? 0) + 1)
}

/** All three for each layout of each program by each index once, and for one in ten after that. */
function judgesFor({ program, layout }: FileCase, place: Place, how: IndexKind, tally: Tally) {
  const combination = `judged by all: ${program}, ${layout}, ${how}, ${PLACES.indexOf(place) % 3}`
  const all = !tally.by.has(combination) || tally.splices % 10 === 0
  if (all) tally.by.set(combination, 1)
  return all ? (['bzip2', 'lbzip2', 'pbzip2'] as const) : (['bzip2'] as const)
}

export async function openIndex(image: VerifiedImage, file: LaidOutFile, trusted: boolean) {
  const { fd } = image.handle
  const sizeBytes = file.bytes.length
  const decoder = new BlockDecoder(compileBlockCodec())
  const chain = new BlockChain(decoder, readAtFrom(fd), sizeBytes)
  const reader = new BlockReader(chain, decoder, image.name)
  const settled = () => Promise.resolve()
  const options = { trusted, anchor: anchorOf(file.decoded), remembered: undefined, settled }
  const index = await BlockIndex.open({ fd, sizeBytes, name: image.name }, chain, reader, options, testContext())
  return { index, reader }
}

let targets = 0

const NO_LIMITS: SpliceLimits = { stay: 0, skip: 0, ownHash: 0 }

interface OpenFile {
  readonly image: VerifiedImage
  readonly index: BlockIndex
  readonly hash: FileHash
  readonly digest: InputDigest
  readonly decoder: IndependentDecoder
  readonly file: LaidOutFile
}

async function spliceAndJudge(
  { image, index, hash, digest, decoder, file }: OpenFile,
  after: Buffer,
  label: string,
  programs: readonly (keyof typeof JUDGES)[],
  limits: SpliceLimits,
): Promise<void> {
  const target = `${image.path}.${targets++}`
  const copy = await startCopy(image, target)
  await copy.done
  const edited = EditedBytes.from(file.decoded, after)
  let told: Digests
  try {
    await using spliced = new SplicedImage(
      { image, index, copy, hash, digest, withSha512: true, decoder },
      testContext(),
      limits,
    )
    await spliced.encode(edited)
    told = await spliced.check()
  } catch (error) {
    throw new Error(`splicing ${label}`, { cause: error })
  } finally {
    await copy.end()
  }
  const written = await readFile(target)
  expect(told, label).toEqual(digestsOf(written))
  assertRestKept(file, written, edited.firstChange, edited, label)
  await judge(target, sha256(after), programs, label)
  await rm(target)
}

/** What lies before the first changed block and behind the last one is the input's, but for footers' combined CRCs. */
function assertRestKept(file: LaidOutFile, written: Buffer, firstChange: number, edited: EditedBytes, label: string) {
  const { bytes, blocks, decoded, streams } = file
  const first = blocks.find(({ rawOffset, rawLength }) => rawOffset + rawLength > firstChange) ?? blocks.at(-1)!
  const kept = Math.floor(first.startBit / 8)
  expect(written.subarray(0, kept).equals(bytes.subarray(0, kept)), `before the cut: ${label}`).toBe(true)
  if (edited.size !== decoded.length) return
  const last = blocks.findLast(({ rawOffset }) => rawOffset <= edited.lastChange)!
  const { footerBit } = streams[last.stream]!
  const from = Math.ceil(last.endBit / 8)
  const crcFrom = Math.floor((footerBit + 48) / 8)
  const crcEnd = Math.ceil((footerBit + 80) / 8)
  const moved = written.length - bytes.length
  for (const [start, stop] of [
    [from, crcFrom],
    [crcEnd, bytes.length],
  ] as const) {
    if (start >= stop) continue
    const now = written.subarray(start + moved, stop + moved)
    expect(now.equals(bytes.subarray(start, stop)), `behind the last changed block: ${label}`).toBe(true)
  }
}
