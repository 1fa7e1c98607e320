/** Two thousand flipped bits through the whole of both ways: the full index with its workers, and the digest. */
import { expect, it } from 'vitest'
import { flipBit } from '../support/bits.js'
import { assertFlipRefusedByDigest, assertFlipSeen, indexVerdictOf, placesIn, VARIED } from '../support/bzip2-damage.js'
import { memoryDirectory } from '../support/memory.js'

const directory = memoryDirectory()

it('each of two thousand flipped bits is found out by the full index (exit code 4) and by the digest (exit code 3)', async () => {
  let found = 0
  for (const bit of placesIn(VARIED, 2000)) {
    if (assertFlipSeen(VARIED, bit, await indexVerdictOf(flipBit(VARIED.bytes, bit), directory))) found++
    await assertFlipRefusedByDigest(VARIED, bit, directory)
  }
  expect(found).toBeGreaterThan(1980)
})
