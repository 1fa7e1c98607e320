import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileHash } from '#src/source/file-hash.js'
import { InputDigest } from '#src/trust/input-digest.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'
import { withVerifiedImage } from '../support/verified.js'

const directory = temporaryDirectory()
const IMAGE = noise(300_000)
const digest = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex')
let files = 0

/** An image with these digest files beside it. */
async function settle(beside: Readonly<Record<string, string>>, context = testContext()) {
  const path = join(directory, `image-${files++}.bin`)
  await writeFile(path, IMAGE)
  for (const [algorithm, hex] of Object.entries(beside)) await writeFile(`${path}.${algorithm}`, `${hex}\n`)
  return await withVerifiedImage(path, async (image) => {
    await using hash = new FileHash(image.origin.hashing, context)
    return await new InputDigest(image, hash, context).settled()
  })
}

describe('the digest of the input', () => {
  const [sha256, sha512] = [digest('sha256', IMAGE), digest('sha512', IMAGE)]

  it('is taken also when nobody has said what it should be', async () => {
    expect(await settle({})).toEqual({ sha256 })
  })

  it('settles when it is the one of every digest file', async () => {
    expect(await settle({ sha256 })).toEqual({ sha256 })
    expect(await settle({ sha512 })).toEqual({ sha256, sha512 })
    expect(await settle({ sha256, sha512 })).toEqual({ sha256, sha512 })
  })

  it.each<[string, Record<string, string>]>([
    ['SHA-256', { sha256: digest('sha256', noise(1)) }],
    ['SHA-512', { sha512: digest('sha512', noise(1)) }],
    ['SHA-256, while SHA-512 fits', { sha256: digest('sha256', noise(1)), sha512 }],
    ['SHA-512, while SHA-256 fits', { sha256, sha512: digest('sha512', noise(1)) }],
  ])('is refused, with both digests and the file that said so, when it is not the %s', async (_, beside) => {
    const error = await rejectsWithCode(settle(beside), 'ERR_DIGEST_MISMATCH')
    expect(error.exitCode).toBe(3)
    const { algorithm, expected, found, file } = error.details as Record<string, string>
    expect(expected).toBe(beside[algorithm!])
    expect(found).toBe(digest(algorithm!, IMAGE))
    expect(file).toContain(`.${algorithm}`)
  })

  it('tells that the file is being hashed when somebody waits for it, and not when it is there', async () => {
    const context = testContext()
    const path = join(directory, 'waited')
    await writeFile(path, IMAGE)
    await withVerifiedImage(path, async (image) => {
      await using hash = new FileHash({ withSha512: false }, context)
      const input = new InputDigest(image, hash, context)
      await input.settled()
      await input.settled()
      expect(context.events.filter(({ kind }) => kind === 'phase')).toEqual([{ kind: 'phase', phase: 'hash' }])
    })
  })
})
