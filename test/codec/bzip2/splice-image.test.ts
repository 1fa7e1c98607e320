import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startCopy } from '#src/codec/bzip2/copy.js'
import type { FromIndependent, IndependentDecoder } from '#src/codec/bzip2/independent-decoder.js'
import { SplicedImage } from '#src/codec/bzip2/splice-image.js'
import { SPLICE_LIMITS } from '#src/codec/bzip2/splice-limits.js'
import { FileHash } from '#src/source/file-hash.js'
import { InputDigest } from '#src/trust/input-digest.js'
import { blocksOf, bunzip2, layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { testContext } from '../../support/context.js'
import { EditedBytes } from '../../support/edited-bytes.js'
import { rejectsWithCode } from '../../support/errors.js'
import { memoryDirectory } from '../../support/memory.js'
import { prose } from '../../support/random.js'
import { openIndex } from '../../support/splice-cases.js'
import { withVerifiedImage } from '../../support/verified.js'

const directory = memoryDirectory()
const FILE = layOut([{ level: 1, blocks: [phaseBlock(3), ...blocksOf(prose(250_000), 1, 'bzip2')] }])
const AFTER = Buffer.from(FILE.decoded)
AFTER.write('first edit', 1000)
AFTER.write('second edit', 240_000)
let files = 0

/** A splice whose second opinion is ours to give. */
async function withOpinion(
  opinion: (stream: Uint8Array) => Promise<FromIndependent>,
  run: (spliced: SplicedImage, target: string) => Promise<void>,
  limits = SPLICE_LIMITS,
): Promise<void> {
  const path = join(directory, `image-${files++}.bz2`)
  writeFileSync(path, FILE.bytes)
  await withVerifiedImage(path, async (image) => {
    const { index } = await openIndex(image, FILE, false)
    await using hash = new FileHash({ withSha512: false }, testContext())
    const digest = new InputDigest(image, hash, testContext())
    const copy = await startCopy(image, `${path}.target`)
    await copy.done
    try {
      const decoder = { decode: opinion } as unknown as IndependentDecoder
      await using spliced = new SplicedImage(
        { image, index, copy, hash, digest, withSha512: false, decoder },
        testContext(),
        limits,
      )
      await run(spliced, copy.path)
    } finally {
      await copy.end()
    }
  })
}

describe('a spliced image', () => {
  it.each<[string, (nth: number) => FromIndependent]>([
    ['fails at the first block', (nth) => (nth === 0 ? { kind: 'failed', message: 'bad' } : held(nth))],
    ['fails at the last block', (nth) => (nth === 2 ? { kind: 'failed', message: 'bad' } : held(nth))],
    ['gives other bytes', () => ({ kind: 'decoded', bytes: Buffer.from('other') })],
    ['gives no bytes', () => ({ kind: 'decoded', bytes: Buffer.alloc(0) })],
  ])('has nothing written into it when the second decoder %s', async (_, answer) => {
    let asked = 0
    const opinion = () => Promise.resolve(answer(asked++))
    await withOpinion(opinion, async (spliced, target) => {
      await rejectsWithCode(spliced.encode(EditedBytes.from(FILE.decoded, AFTER)), 'ERR_CHECK_OUTPUT')
      expect(readFileSync(target).equals(FILE.bytes)).toBe(true)
    })
  })

  it('asks for a second opinion on every new block and on no other', async () => {
    let asked = 0
    await withOpinion(
      () => Promise.resolve(held(asked++)),
      async (spliced) => spliced.encode(EditedBytes.from(FILE.decoded, AFTER)),
    )
    expect(asked).toBe(NEW_BLOCKS.length)
  })

  it('leaves what follows an edit where it was, when the new block can be made as long as the old one', async () => {
    await withOpinion(
      async (stream) => ({ kind: 'decoded', bytes: bunzip2(Buffer.from(stream)) }),
      async (spliced, target) => {
        const after = Buffer.from(FILE.decoded)
        // Text that was there before costs less than what it takes the place of.
        after.copy(after, 1000, 20_000, 30_000)
        await spliced.encode(EditedBytes.from(FILE.decoded, after))
        const written = readFileSync(target)
        const edited = FILE.blocks.find(({ rawOffset, rawLength }) => rawOffset + rawLength > 1000)!
        const from = Math.ceil(edited.endBit / 8)
        expect(written.length).toBe(FILE.bytes.length)
        expect(written.subarray(from, -10).equals(FILE.bytes.subarray(from, -10))).toBe(true)
        expect(bunzip2(written).equals(after)).toBe(true)
        expect(await spliced.check()).toEqual({ sha256: createHash('sha256').update(written).digest('hex') })
        expect(written.equals(FILE.bytes)).toBe(false)
      },
      { stay: 0, skip: 0, ownHash: 0 },
    )
  })

  it('can not be checked before it was encoded', async () => {
    await withOpinion(
      () => Promise.reject(new Error('not asked')),
      async (spliced) => void (await rejectsWithCode(spliced.check(), 'ERR_INTERNAL')),
    )
  })
})

/** What the new blocks hold: those of the old ones that have an edit in them. */
const NEW_BLOCKS = FILE.blocks
  .filter(({ rawOffset, rawLength }) =>
    [1000, 240_000].some((edit) => edit + 11 > rawOffset && edit < rawOffset + rawLength),
  )
  .flatMap(({ rawOffset, rawLength }) => splitAsEncoded(rawOffset, rawLength))

/** The margin that our encoder keeps makes two blocks of a full one. */
function splitAsEncoded(rawOffset: number, rawLength: number): { readonly offset: number; readonly length: number }[] {
  const most = 100_000 - 251
  if (rawLength <= most) return [{ offset: rawOffset, length: rawLength }]
  return [
    { offset: rawOffset, length: most },
    { offset: rawOffset + most, length: rawLength - most },
  ]
}

function held(nth: number): FromIndependent {
  const { offset, length } = NEW_BLOCKS[nth]!
  return { kind: 'decoded', bytes: AFTER.subarray(offset, offset + length) }
}
