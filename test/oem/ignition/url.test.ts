import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeDataUrl, readUrl, schemesOf } from '#src/oem/ignition/url.js'

describe('readUrl', () => {
  it.each([
    ['2.0.0', ['http', 'https', 'data', 'oem']],
    ['2.1.0', ['http', 'https', 'data', 'oem', 'tftp', 's3']],
    ['3.1.0', ['http', 'https', 'data', 'oem', 'tftp', 's3']],
    ['3.2.0', ['http', 'https', 'data', 'oem', 'tftp', 's3', 'gs']],
    ['3.4.0', ['http', 'https', 'data', 'oem', 'tftp', 's3', 'gs', 'arn']],
  ])('takes for %s the schemes %j', (spec, schemes) => {
    expect(schemesOf(spec)).toEqual(schemes)
  })

  it.each([
    ['arn:aws:s3:::bucket/key', 'url'],
    ['arn:aws:s3:::bucket', 'fault'],
    ['arn:aws:ec2:::bucket/key', 'fault'],
    ['arn:aws:s3:eu:1:accesspoint/a', 'fault'],
    ['arn:aws:s3:eu:1:accesspoint/a/key', 'url'],
  ])('reads %s of spec 3.4.0 as a %s', (url, kind) => {
    expect(readUrl(url, '3.4.0').kind).toBe(kind)
  })
})

describe('decodeDataUrl', () => {
  it('gives back any bytes, in base64 and percent-encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('', 'text/plain', 'text/plain;charset=utf-8'), (bytes, type) => {
        const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
        const base64 = Buffer.from(bytes).toString('base64')
        for (const url of [`data:${type},${percent}`, `data:${type};base64,${base64}`]) {
          expect(Buffer.from(decodeDataUrl(url) as Uint8Array)).toEqual(Buffer.from(bytes))
        }
      }),
    )
  })

  it('gives back what encodeURIComponent encodes, but for what that leaves as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(Buffer.from(decodeDataUrl(`data:,${encodeURIComponent(text)}`) as Uint8Array).toString()).toBe(text)
      }),
    )
  })
})
