import { describe, expect, it } from 'vitest'
import { BlockDevice } from '#src/codec/bzip2/block-device.js'
import { BlockIndex, type RememberedMaps } from '#src/codec/bzip2/block-index.js'
import { BlockMap } from '#src/codec/bzip2/block-map.js'
import { BlockReader } from '#src/codec/bzip2/block-reader.js'
import type { CompressedFile } from '#src/codec/bzip2/full-index.js'
import { readAtFrom } from '#src/codec/bzip2/read-at.js'
import type { SizeAnchor } from '#src/codec/codec.js'
import { VerificationError } from '#src/errors.js'
import { withFile } from '../../support/bzip2-files.js'
import { blocksOf, type LaidOutFile, layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { anchorOf, chainOf, NO_ANCHOR } from '../../support/chains.js'
import { testContext } from '../../support/context.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()

const DENSE = blocksOf(noise(400_000), 1, 'bzip2')
const ZEROS = blocksOf(Buffer.alloc(900_000), 1, 'lbzip2')
const OTHER_DENSE = blocksOf(noise(400_000, 9), 1, 'bzip2')
const FILE = layOut([{ level: 1, blocks: [phaseBlock(0), ...DENSE, ...ZEROS, phaseBlock(5), ...ZEROS] }])
/** Of the same decoded size. */
const OTHER = layOut([{ level: 1, blocks: [phaseBlock(3), ...OTHER_DENSE, ...ZEROS, phaseBlock(4), ...ZEROS] }])

/** From either side there is more to the middle of it than one step. */
const NOISY = layOut([{ level: 1, blocks: [...blocksOf(noise(1_500_000), 1, 'bzip2'), phaseBlock(3), ...ZEROS] }])

interface Standing {
  readonly trusted?: boolean
  readonly anchor?: SizeAnchor
  readonly remembered?: RememberedMaps
  readonly settled?: () => Promise<unknown>
}

async function withIndex<T>(
  file: LaidOutFile,
  standing: Standing,
  run: (index: BlockIndex, device: BlockDevice, compressed: CompressedFile) => Promise<T>,
): Promise<T> {
  return await withFile(directory, file.bytes, async (compressed) => {
    const { chain, decoder } = chainOf(file.bytes, readAtFrom(compressed.fd))
    const reader = new BlockReader(chain, decoder, 'image.bz2')
    const index = await BlockIndex.open(
      compressed,
      chain,
      reader,
      {
        trusted: standing.trusted ?? false,
        anchor: standing.anchor ?? anchorOf(file.decoded),
        remembered: standing.remembered,
        settled: standing.settled ?? (() => Promise.resolve()),
      },
      testContext(),
    )
    return await run(index, new BlockDevice(index, reader, 'image.bz2'), compressed)
  })
}

const findings = (file: LaidOutFile, standing: Standing, reads: readonly number[] = []) =>
  withIndex(file, standing, async (index, device) => {
    for (const offset of reads) await device.read(offset, 1)
    return index.findings
  })

async function expectAllBytes(file: LaidOutFile, device: BlockDevice): Promise<void> {
  expect(device.size).toBe(file.decoded.length)
  expect((await device.read(0, device.size)).equals(file.decoded)).toBe(true)
}

/** A map with something in it changed. */
function changed(map: BlockMap, change: (columns: BlockMap['columns']) => void, rawStart = map.rawStart): BlockMap {
  const { crc, endBit, rawLength, startBit, textLength } = map.columns
  const columns = {
    crc: crc.slice(),
    endBit: endBit.slice(),
    rawLength: rawLength.slice(),
    startBit: startBit.slice(),
    textLength: textLength.slice(),
  }
  change(columns)
  return new BlockMap(columns, map.streams, rawStart)
}

describe('the choice of index', () => {
  it('is full for a file that nobody vouches for', () =>
    withIndex(FILE, {}, async (index, device) => {
      expect(index.how).toBe('full')
      await expectAllBytes(FILE, device)
      expect(index.findings).toMatchObject({ check: 'full', rawSize: FILE.decoded.length })
    }))

  it('is the tail for one whose digest is checked in this run, and its middle is not decoded until it is asked for', () =>
    withIndex(FILE, { trusted: true }, async (index, device) => {
      expect(index.how).toBe('tail')
      const end = FILE.decoded.length - 1000
      expect((await device.read(end, 1000)).equals(FILE.decoded.subarray(end))).toBe(true)
      expect((await device.read(0, 100)).equals(FILE.decoded.subarray(0, 100))).toBe(true)
      expect(index.how).toBe('tail')
      expect(index.findings.check).toBe('tail')
      await expectAllBytes(FILE, device)
    }))

  it.each<[string, Partial<SizeAnchor>]>([
    ['does not tell its size', NO_ANCHOR],
    ['does not confirm it at its end', { confirms: () => false }],
    ['is said to be smaller than its first blocks', { declaredSize: () => 10 }],
    [
      'is said to be larger than it is, and the end does not know better',
      { declaredSize: () => FILE.decoded.length * 9 },
    ],
  ])('falls back to full, once the digest is known, for a trusted image that %s', async (_, part) => {
    let asked = 0
    const settled = async () => void asked++
    await withIndex(
      FILE,
      { trusted: true, anchor: { ...anchorOf(FILE.decoded), ...part }, settled },
      async (index, device) => {
        expect(index.how).toBe('full')
        expect(asked).toBe(1)
        await expectAllBytes(FILE, device)
      },
    )
  })

  it('does not decode a whole file whose digest turns out wrong', async () => {
    const settled = () => Promise.reject(new VerificationError('ERR_DIGEST_MISMATCH', 'not the file'))
    await rejectsWithCode(
      withIndex(FILE, { trusted: true, anchor: NO_ANCHOR, settled }, async () => undefined),
      'ERR_DIGEST_MISMATCH',
    )
  })

  it('grows from the beginning for what lies there, and both ends are remembered without what is in both', async () => {
    for (const reads of [[150_000], [150_000, 600_000], [600_000, NOISY.decoded.length - 700_000], [1_400_000, 0]]) {
      const remembered = await findings(NOISY, { trusted: true }, reads)
      expect(remembered.check, String(reads)).toBe('tail')
      await withIndex(NOISY, { trusted: true, remembered }, async (index, device) => {
        expect(index.how, String(reads)).toBe('cached')
        for (const offset of reads) {
          const bytes = await device.read(offset, 1000)
          expect(bytes.equals(NOISY.decoded.subarray(offset, offset + 1000)), String(offset)).toBe(true)
        }
        expect(index.how, String(reads)).toBe('cached')
        await expectAllBytes(NOISY, device)
      })
    }
  })

  it('says so when the beginning, as it grows, contradicts the size that the end was counted by', async () => {
    const { decoded } = NOISY
    const anchor = { ...anchorOf(decoded), declaredSize: () => decoded.length + 4096, confirms: () => true }
    await withIndex(NOISY, { trusted: true, anchor }, async (index, device) => {
      expect(index.how).toBe('tail')
      expect((await device.read(0, 1000)).equals(decoded.subarray(0, 1000))).toBe(true)
      await rejectsWithCode(device.read(1_000_000, 450_000), 'ERR_BZIP2_CORRUPT')
    })
  })

  it('says so when an image turns out to have another size than it declared, instead of giving wrong bytes', async () => {
    const lie = FILE.decoded.length + 4096
    const anchor = { ...anchorOf(FILE.decoded), declaredSize: () => lie, confirms: () => true }
    await withIndex(FILE, { trusted: true, anchor }, async (index, device) => {
      if (index.how === 'full') {
        await expectAllBytes(FILE, device)
        return
      }
      const error = await rejectsWithCode(device.read(0, device.size), 'ERR_BZIP2_CORRUPT')
      expect(error.exitCode).toBe(4)
    })
  })
})

describe('a remembered map', () => {
  it('serves any file when it came from a full check', async () => {
    const remembered = await findings(FILE, {})
    for (const trusted of [true, false]) {
      await withIndex(FILE, { trusted, remembered }, async (index, device) => {
        expect(index.how).toBe('cached')
        await expectAllBytes(FILE, device)
        expect(index.how).toBe('cached')
        expect(index.findings).toEqual({ ...remembered, check: 'full' })
      })
    }
  })

  it('does not serve a file that nobody vouches for when it came from the tail', async () => {
    const remembered = await findings(FILE, { trusted: true }, [FILE.decoded.length - 1])
    expect(remembered.check).toBe('tail')
    await withIndex(FILE, { trusted: false, remembered }, async (index) => expect(index.how).toBe('full'))
    await withIndex(FILE, { trusted: true, remembered }, async (index, device) => {
      expect(index.how).toBe('cached')
      const end = FILE.decoded.length - 10
      expect((await device.read(end, 10)).equals(FILE.decoded.subarray(end))).toBe(true)
      expect(index.findings.check).toBe('tail')
      await expectAllBytes(FILE, device)
    })
  })

  it.each<[string, (own: RememberedMaps, other: RememberedMaps) => RememberedMaps]>([
    ['of another file of the same size', (_, other) => other],
    ['with another CRC in a block', (own) => first(own, (map) => changed(map, ({ crc }) => void crc[2]!++))],
    ['with another end of a block', (own) => first(own, (map) => changed(map, ({ endBit }) => void endBit[2]!++))],
    [
      'with blocks one place further',
      (own) =>
        first(own, (map) =>
          changed(map, ({ startBit, endBit }) => {
            startBit.copyWithin(1, 0)
            endBit.copyWithin(1, 0)
          }),
        ),
    ],
    [
      'with the lengths of two blocks exchanged',
      (own) => first(own, (map) => changed(map, ({ rawLength }) => rawLength.subarray(0, 2).reverse())),
    ],
    ['without a block in the middle', (own) => first(own, (map) => without(map, 3))],
    ['without its first block', (own) => first(own, (map) => without(map, 0))],
    ['without its last block', (own) => first(own, (map) => without(map, map.blocks - 1))],
    ['that begins later', (own) => first(own, (map) => changed(map, () => undefined, 512))],
    ['without maps', (own) => ({ ...own, maps: [] })],
    ['without blocks', (own) => ({ ...own, maps: [new BlockMap(noColumns(), [], 0)] })],
    ['that has twice the same map', (own) => ({ ...own, maps: [...own.maps, ...own.maps] })],
  ])('never gives wrong bytes: %s', async (_, spoil) => {
    const remembered = spoil(await findings(FILE, {}), await findings(OTHER, {}))
    for (const trusted of [true, false]) {
      await withIndex(FILE, { trusted, remembered }, async (index, device) => {
        await expectAllBytes(FILE, device)
        expect(index.how).not.toBe('cached')
      })
    }
  })

  it('that does not fit is found out by many reads at once, and each gets the right bytes', async () => {
    const remembered = await findings(OTHER, {})
    for (const trusted of [true, false]) {
      await withIndex(FILE, { trusted, remembered }, async (index, device) => {
        const offsets = [0, 5000, 150_000, 390_000, 500_000, 1_300_000]
        const read = await Promise.all(offsets.map((offset) => device.read(offset, 4000)))
        for (const [nth, offset] of offsets.entries())
          expect(read[nth]!.equals(FILE.decoded.subarray(offset, offset + 4000)), `${trusted} ${offset}`).toBe(true)
        expect(index.how).not.toBe('cached')
      })
    }
  })
})

function first(maps: RememberedMaps, change: (map: BlockMap) => BlockMap): RememberedMaps {
  return { ...maps, maps: [change(maps.maps[0]!), ...maps.maps.slice(1)] }
}

function without(map: BlockMap, block: number): BlockMap {
  const drop = <Column extends Float64Array | Uint32Array>(column: Column): Column =>
    column.filter((_, index) => index !== block) as Column
  const { crc, endBit, rawLength, startBit, textLength } = map.columns
  const columns = {
    crc: drop(crc),
    endBit: drop(endBit),
    rawLength: drop(rawLength),
    startBit: drop(startBit),
    textLength: drop(textLength),
  }
  const streams = map.streams.map((stream) => ({ ...stream, endBlock: stream.endBlock - 1 }))
  return new BlockMap(columns, streams, map.rawStart)
}

function noColumns(): BlockMap['columns'] {
  const [bits, words] = [new Float64Array(0), new Uint32Array(0)]
  return { startBit: bits, endBit: bits, rawLength: words, textLength: words, crc: words }
}
