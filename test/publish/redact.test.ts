import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REDACTED, Redactor } from '#src/publish/redact.js'

describe('Redactor', () => {
  it('shortens paths of this machine to names, and leaves those of the OEM partition', () => {
    const redactor = new Redactor([], ['/home/me/images/image.bin', './configs/cloud.yml'])
    expect(redactor.text('/home/me/images/image.bin.DIGESTS says so')).toBe('image.bin.DIGESTS says so')
    expect(redactor.text('./configs/cloud.yml, line 3: /bin/agent is absent')).toBe(
      'cloud.yml, line 3: /bin/agent is absent',
    )
    expect(redactor.text(`${process.cwd()}/configs/cloud.yml`)).toBe('cloud.yml')
    const ofBase = new Redactor([], ['base/image.bin'])
    expect(ofBase.text('base/default.ign of base/image.bin')).toBe('base/default.ign of image.bin')
  })

  it('lets no secret through, as it is or as messages quote it, whatever else is around it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 6 }), { minLength: 1, maxLength: 3 }),
        fc.string(),
        (secrets, around) => {
          fc.pre(secrets.every((secret) => !around.includes(secret) && !REDACTED.includes(secret)))
          const redactor = new Redactor(secrets, ['/data/image.bin'])
          for (const secret of secrets) {
            for (const form of [secret, JSON.stringify(secret)]) {
              const text = redactor.text(`${around} ${form}`)
              expect(text).not.toContain(secret)
              expect(text).toContain(REDACTED)
            }
          }
        },
      ),
      { seed: 5, numRuns: 300 },
    )
  })

  it('takes the longer of two secrets that begin alike as a whole', () => {
    expect(new Redactor(['hunter', 'hunter22'], []).text('it is hunter22')).toBe(`it is ${REDACTED}`)
  })
})
