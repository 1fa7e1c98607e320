import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeContent } from '#src/oem/cloud-config/encodings.js'
import { ENCODINGS } from '#src/oem/cloud-config/values.js'

function encode(bytes: Uint8Array, encoding: string): Buffer {
  const packed = encoding.startsWith('gz') ? gzipSync(bytes) : Buffer.from(bytes)
  return encoding.includes('64') ? Buffer.from(packed.toString('base64')) : packed
}

describe('decodeContent', () => {
  it('decodes what was encoded, by each of the names', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('', ...ENCODINGS), (bytes, encoding) => {
        const decoded = decodeContent(encode(bytes, encoding), encoding)
        expect(decoded.kind === 'decoded' && Buffer.from(decoded.bytes)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it.each([
    ['aGVsbG8=', 'decoded'],
    ['aGVs\r\nbG8=\n', 'decoded'],
    ['', 'decoded'],
    ['aGVsbG8', 'refused'],
    ['aGVsbG8==', 'refused'],
    ['aGVs bG8=', 'refused'],
    ['a===', 'refused'],
    ['====', 'refused'],
    ['aG=sbG8=', 'refused'],
    ['aGVsbG8-', 'refused'],
  ])('takes base64 as strictly as Go: %j is %s', (text, kind) => {
    expect(decodeContent(Buffer.from(text), 'b64').kind).toBe(kind)
  })

  it('refuses gzip that is cut off or has a byte changed', () => {
    const packed = gzipSync('hello '.repeat(50))
    expect(decodeContent(packed.subarray(0, -4), 'gz').kind).toBe('refused')
    const changed = Buffer.from(packed)
    changed.writeUInt8(changed.readUInt8(20) ^ 1, 20)
    expect(decodeContent(changed, 'gzip').kind).toBe('refused')
    expect(decodeContent(Buffer.from('hello'), 'gz').kind).toBe('refused')
  })

  it('stops at 16 MiB of what unpacks to more', () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    expect(decodeContent(Buffer.from(bomb.toString('base64')), 'gz+b64')).toEqual({
      kind: 'too-big',
      limitBytes: 16 << 20,
    })
  })
})
