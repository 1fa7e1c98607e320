import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openImage } from '#src/source/source.js'
import { type VerifiedImage, verifyOrigin } from '#src/trust/verify.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const IMAGE = noise(1000)
const hex = (algorithm: string) => createHash(algorithm).update(IMAGE).digest('hex')
let files = 0

async function verified(
  beside: Readonly<Record<string, string>>,
  run: (image: VerifiedImage, path: string) => void,
  context = testContext(),
): Promise<void> {
  const path = join(directory, `image-${files++}.bin`)
  await writeFile(path, IMAGE)
  for (const [suffix, text] of Object.entries(beside)) await writeFile(`${path}.${suffix}`, text)
  await using opened = await openImage(path)
  run(await verifyOrigin(opened, {}, context), path)
}

describe('verifyOrigin', () => {
  it('says UNVERIFIED, with a warning, for an image with nothing beside it', async () => {
    const context = testContext()
    await verified(
      {},
      ({ stage, origin, expected }) => {
        expect(stage).toBe('verified')
        expect(origin.verification.status).toBe('unverified')
        expect(origin.binds).toBe(false)
        expect(expected).toEqual([])
      },
      context,
    )
    expect(context.events).toEqual([expect.objectContaining({ kind: 'warning', code: 'UNVERIFIED' })])
  })

  it('names every digest that the image must have, and still warns: nobody has vouched for the file', async () => {
    const context = testContext()
    await verified(
      { sha256: `${hex('sha256')}\n`, sha512: `${hex('sha512')}\n` },
      ({ origin: { binds, verification }, expected }, path) => {
        expect(binds).toBe(true)
        expect(verification.status).toBe('digest')
        expect(verification.reason).toContain('SHA-256')
        expect(verification.reason).toContain('SHA-512')
        expect(new Set(expected)).toEqual(
          new Set([
            { algorithm: 'sha256', hex: hex('sha256'), file: `${path}.sha256` },
            { algorithm: 'sha512', hex: hex('sha512'), file: `${path}.sha512` },
          ]),
        )
        expect('digests' in verification && verification.digests).toEqual(expected)
      },
      context,
    )
    expect(context.events).toMatchObject([{ kind: 'warning', code: 'UNVERIFIED' }])
  })

  it('compares nothing yet: an image that is another one passes here, and fails when it is hashed', () =>
    verified({ sha256: `${'a'.repeat(64)}\n` }, ({ expected }) => expect(expected).toHaveLength(1)))

  it('refuses a digest file of the image that can not be understood', async () => {
    await rejectsWithCode(
      verified({ sha256: 'not a digest\n' }, () => undefined),
      'ERR_DIGESTS_INVALID',
    )
  })
})
