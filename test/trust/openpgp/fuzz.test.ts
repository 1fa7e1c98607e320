/** Hostile signatures and keys: mutations of real ones, and noise. `test/full` does the same ten thousand times. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseArmor } from '#src/trust/openpgp/armor.js'
import { type Certificate, readCertificates } from '#src/trust/openpgp/keys.js'
import { makeTestKeys, type TestKeys } from '../../support/gpg.js'
import { feedKeys, feedSignature, feedText } from '../../support/openpgp-fuzz.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
const DOCUMENT = noise(1000)
/** Before the day that the feeders take for today, whenever the test is run. */
const SIGNED = '2024-05-01'
let keys: TestKeys
let signature: Buffer
let armored: Buffer
let clearSigned: Buffer
let keyFile: Buffer
let certificates: readonly Certificate[]

beforeAll(async () => {
  keys = makeTestKeys(directory)
  const file = join(directory, 'document')
  writeFileSync(file, DOCUMENT)
  signature = keys.gpg.sign(file, keys.own, SIGNED)
  armored = keys.gpg.sign(file, keys.own, SIGNED, ['--armor'])
  clearSigned = Buffer.from(keys.gpg.clearSign('digests\n', keys.own, SIGNED))
  keyFile = readFileSync(keys.files.own)
  certificates = await readCertificates([{ file: keys.files.own, bytes: keyFile }], new Date())
})
afterAll(() => keys[Symbol.dispose]())

/** Some bytes replaced, removed or put in. */
interface Mutation {
  readonly at: number
  readonly remove: number
  readonly insert: Uint8Array
}

const MUTATIONS = fc.array(
  fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: fc.uint8Array({ maxLength: 3 }) }),
  { minLength: 1, maxLength: 3 },
)

const mutated = (bytes: Buffer, mutations: readonly Mutation[]): Buffer =>
  mutations.reduce((result, { at, remove, insert }) => {
    const from = at % (result.length + 1)
    return Buffer.concat([result.subarray(0, from), insert, result.subarray(from + remove)])
  }, bytes)

/** A promise that never settles would let the process end as if all were well. */
async function soon<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer after 5 s')), 5000)
  })
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

describe('hostile OpenPGP', () => {
  it('as it was signed, is good: the mutations start from something', async () => {
    expect(await feedSignature(signature, DOCUMENT, certificates)).toBe('good')
    expect(await feedSignature(armored, DOCUMENT, certificates)).toBe('good')
    expect(await feedSignature(signature, noise(1000, 2), certificates)).toBe('judged')
    expect(await feedKeys(keyFile)).toHaveLength(1)
  })

  it('a mutated signature is never good for another document, and never anything but a fault or a verdict', async () => {
    const other = noise(1000, 2)
    await fc.assert(
      fc.asyncProperty(fc.boolean(), MUTATIONS, async (binary, mutations) => {
        expect(
          await soon(feedSignature(mutated(binary ? signature : armored, mutations), other, certificates)),
        ).not.toBe('good')
      }),
      { numRuns: 300 },
    )
  })

  it('a mutated key file gives keys or a fault', async () => {
    await fc.assert(
      fc.asyncProperty(MUTATIONS, async (mutations) => {
        await soon(feedKeys(mutated(keyFile, mutations)))
      }),
      { numRuns: 200 },
    )
  })

  it('noise and mutated text give a value or a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), MUTATIONS, async (bytes, mutations) => {
        for (const input of [Buffer.from(bytes), mutated(clearSigned, mutations), mutated(armored, mutations)]) {
          feedText(input)
          await soon(feedSignature(input, DOCUMENT, certificates))
        }
        await soon(feedKeys(Buffer.from(bytes)))
      }),
      { numRuns: 200 },
    )
  })

  it('every signature cut short is a fault', async () => {
    for (let length = 0; length < signature.length; length++)
      expect(await feedSignature(signature.subarray(0, length), DOCUMENT, certificates)).toBe('fault')
    expect(parseArmor(armored.toString())).toHaveLength(1)
  })

  it('every single bit of a signature counts, but for those that are not signed', async () => {
    const good: number[] = []
    for (let at = 0; at < signature.length * 8; at++) {
      const flipped = Buffer.from(signature)
      flipped.writeUInt8(flipped.readUInt8(at >> 3) ^ (0x80 >> (at & 7)), at >> 3)
      if ((await feedSignature(flipped, DOCUMENT, certificates)) === 'good') good.push(at >> 3)
    }
    // The subpacket with the issuer's key id is not hashed: whose key it is, is known from the fingerprint, which is. Behind it come 16
    // bits of the digest and two numbers, each with its length in bits, of which the package takes only the bytes to count.
    const fingerprintAt = signature.indexOf(Buffer.from(keys.own, 'hex'))
    const idAt = signature.indexOf(Buffer.from(keys.own.slice(-16), 'hex'), fingerprintAt + 20)
    const firstAt = idAt + 8 + 2
    const secondAt = firstAt + 2 + Math.ceil(signature.readUInt16BE(firstAt) / 8)
    const free = [...Array(10).keys()].map((index) => idAt - 2 + index)
    expect(good.filter((at) => !free.includes(at) && at !== firstAt + 1 && at !== secondAt + 1)).toEqual([])
  })
})
