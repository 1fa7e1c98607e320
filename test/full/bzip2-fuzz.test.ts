/**
 * Encoder and decoder against bzip2, in tens of thousands of blocks. Own command, some minutes:
 * ./scripts/test-full test/full/bzip2-fuzz.test.ts
 *
 * bzip2 judges many blocks at a time, as one file; a file that it refuses is told by its seed, from which every block
 * follows. Another seed: BZIP2_FUZZ_SEED=7 ./scripts/test-full test/full/bzip2-fuzz.test.ts
 */
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder } from '#src/codec/bzip2/block-decoder.js'
import { BlockEncoder } from '#src/codec/bzip2/block-encoder.js'
import { bitsOf, flipBit } from '../support/bits.js'
import { compress } from '../support/bzip2.js'
import { decodeAt, decodedText, decodeFile, fileOf } from '../support/bzip2-blocks.js'
import { decodeWithOracle } from '../support/bzip2-oracle.js'
import { noise, prose } from '../support/random.js'

const SEED = process.env.BZIP2_FUZZ_SEED ?? '1'
const decoder = new BlockDecoder(compileBlockCodec())
const encoder = new BlockEncoder(compileBlockCodec())

/** Numbers that follow from a name: each call gives one from 0 up to, not including, `end`. */
function dice(name: string): (end: number) => number {
  const bytes = noise(4 * 4096, `${SEED} ${name}`)
  let at = 0
  return (end) => {
    const value = bytes.readUInt32LE(at % bytes.length)
    at += 4
    return value % end
  }
}

/** Bytes of one of the kinds that have made block sorters or Huffman coders fail. */
function sample(name: string): Buffer {
  const roll = dice(name)
  // Mostly small; now and then big enough for the decoder's fragments. Runs of four take five bytes of the 100 000 that fit.
  const size = 1 + (roll(20) === 0 ? 32_768 + roll(45_000) : roll(10 ** (1 + roll(4))))
  switch (roll(9)) {
    case 0:
      return noise(size, name)
    case 1:
      return prose(size, name)
    case 2: {
      const kinds = 1 + roll(6)
      return Buffer.from(noise(size, name).map((byte) => byte % kinds))
    }
    case 3:
      return Buffer.alloc(size, roll(256))
    case 4:
      return Buffer.alloc(size, noise(1 + roll(20), name))
    case 5: {
      // A word some whole number of times, then perhaps spoiled at one place.
      const word = noise(1 + roll(300), name).map((byte) => byte % 3)
      const bytes = Buffer.alloc(word.length * (1 + roll(30)), word)
      if (roll(2) === 1) bytes[roll(bytes.length)] = roll(4)
      return bytes
    }
    case 6: {
      const runs: Buffer[] = []
      for (let left = size; left > 0; ) {
        const run = Math.min(left, [1, 2, 3, 4, 5, 255, 256, 259, 260, 1 + roll(2000)][roll(10)] ?? 1)
        runs.push(Buffer.alloc(run, roll(3)))
        left -= run
      }
      return Buffer.concat(runs)
    }
    case 7: {
      // Skewed: each byte value half as likely as the one before.
      return Buffer.from(noise(size, name).map((byte) => Math.clz32(byte << 24)))
    }
    default: {
      const words = ['a', 'b']
      while ((words[0]?.length ?? 0) < size) words.unshift(`${words[0]}${words[1]}`)
      return Buffer.from(words[0]?.slice(0, size) ?? '')
    }
  }
}

const BATCHES = 100
const BATCH_BLOCKS = 200

describe(`seed ${SEED}`, () => {
  it(`bzip2 decodes ${BATCHES * BATCH_BLOCKS} encoded blocks to what was fed, and so do we`, () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const level = 1 + (batch % 9)
      const samples: Buffer[] = []
      const blocks: { bits: string; crc: number }[] = []
      for (let index = 0; index < BATCH_BLOCKS; index++) {
        const name = `block ${batch} ${index}`
        const bytes = sample(name)
        const phase = dice(`${name} phase`)(9)
        encoder.begin(level)
        expect(encoder.feed(bytes), name).toBe(bytes.length)
        const block = encoder.finish(phase === 8 ? undefined : phase)
        if (phase < 8) expect(block.bitLength % 8, name).toBe(phase)
        const { crc, rawLength } = block
        const found = decodeAt(decoder, block.bytes, 0, level)
        expect(found, name).toMatchObject({ kind: 'block', endBit: block.bitLength, crc, rawLength })
        expect(decodedText(decoder).equals(bytes), name).toBe(true)
        samples.push(bytes)
        blocks.push({ bits: bitsOf(block.bytes).slice(0, block.bitLength), crc: block.crc })
      }
      const { status, stdout } = spawnSync('bzip2', ['-dc'], { input: fileOf(blocks, level), maxBuffer: 1 << 28 })
      expect(status, `batch ${batch}`).toBe(0)
      expect(stdout.equals(Buffer.concat(samples)), `batch ${batch}`).toBe(true)
    }
  })

  it('decodes what bzip2, lbzip2 and pbzip2 make of 1800 samples', () => {
    for (let batch = 0; batch < 60; batch++) {
      const program = (['bzip2', 'lbzip2', 'pbzip2'] as const)[batch % 3] ?? 'bzip2'
      const bytes = Buffer.concat(Array.from({ length: 30 }, (_, index) => sample(`foreign ${batch} ${index}`)))
      const blocks = decodeFile(decoder, compress(bytes, 1 + (batch % 9), program))
      expect(Buffer.concat(blocks.map(({ decoded }) => decoded)).equals(bytes), `batch ${batch}`).toBe(true)
    }
  })

  it('takes and refuses 2000 damaged blocks as bzip2 and the oracle do', () => {
    let taken = 0
    for (let index = 0; index < 2000; index++) {
      const name = `damaged ${index}`
      const roll = dice(name)
      const bytes = sample(name).subarray(0, 1500)
      encoder.begin(9)
      encoder.feed(bytes)
      const block = encoder.finish()
      let damaged = block.bytes
      // Behind the magic; in every second block one of the first bits, where the header is.
      for (let flips = 1 + roll(3); flips > 0; flips--) {
        const width = roll(2) === 0 ? Math.min(600, block.bitLength) : block.bitLength
        damaged = flipBit(damaged, 48 + roll(width - 48))
      }
      const oracle = decodeWithOracle(damaged, 0, 9)
      // With the CRC of what it says now, so that more than the CRC decides.
      if (oracle.kind === 'fault' && oracle.crc !== undefined) damaged.writeUInt32BE(oracle.crc, 6)
      const expected = decodeWithOracle(damaged, 0, 9)
      const found = decodeAt(decoder, damaged, 0, 9)
      expect(found.kind, name).toBe(expected.kind)
      if (expected.kind === 'fault') {
        expect(found, name).toMatchObject({ fault: expected.fault })
        continue
      }
      expect(decodedText(decoder).equals(expected.decoded), name).toBe(true)
      const file = fileOf([{ bits: bitsOf(damaged).slice(0, expected.endBit), crc: expected.crc }], 9)
      const { status, stdout } = spawnSync('bzip2', ['-dc'], { input: file, maxBuffer: 1 << 28 })
      expect({ status, same: stdout.equals(expected.decoded) }, name).toEqual({ status: 0, same: true })
      taken++
    }
    expect(taken).toBeGreaterThan(300)
  })

  it('refuses what bzip2 refuses: 500 damaged blocks whose fault is not the CRC', () => {
    let refused = 0
    for (let index = 0; refused < 500; index++) {
      const name = `refused ${index}`
      const roll = dice(name)
      encoder.begin(9)
      encoder.feed(sample(name).subarray(0, 1500))
      const block = encoder.finish()
      const damaged = flipBit(block.bytes, 48 + 32 + roll(Math.min(900, block.bitLength) - 80))
      const found = decodeAt(decoder, damaged, 0, 9)
      if (found.kind === 'block' || found.fault === 'crc' || found.fault === 'cut-off') continue
      const file = fileOf([{ bits: bitsOf(damaged).slice(0, block.bitLength), crc: block.crc }], 9)
      expect(spawnSync('bzip2', ['-t'], { input: file }).status, `${name}: ${found.fault}`).not.toBe(0)
      refused++
    }
  })

  it('never traps, hangs or reads garbage on 20 000 blocks of noise behind a sound header', () => {
    for (let index = 0; index < 20_000; index++) {
      const name = `noise ${index}`
      const roll = dice(name)
      encoder.begin(1)
      encoder.feed(sample(`header ${index % 100}`).subarray(0, 1000))
      const { bytes } = encoder.finish()
      const kept = Math.min(bytes.length >> 1, 10 + roll(80))
      const hostile = Buffer.concat([bytes.subarray(0, kept), noise(1 + roll(3000), name)])
      const result = decodeAt(decoder, hostile, 0, 1 + roll(9))
      expect(result.kind, name).toBe('fault')
    }
  })
})
