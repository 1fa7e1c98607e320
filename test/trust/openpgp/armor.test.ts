import { describe, expect, it } from 'vitest'
import { isArmored, isClearSigned, parseArmor, parseClearSigned } from '#src/trust/openpgp/armor.js'

const BASE64 = Buffer.from('the packets of a signature').toString('base64')
const block = (kind = 'SIGNATURE', body = `\n${BASE64}\n=AbCd\n`): string =>
  `-----BEGIN PGP ${kind}-----\n${body}-----END PGP ${kind}-----\n`
const clear = (text: string, head = 'Hash: SHA512\n\n'): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\n${head}${text}\n${block()}`

describe('parseArmor', () => {
  it('finds the bytes of every block, with and without headers and checksum, between other text, with any line ends', () => {
    const text = `note\n${block()}\nnote\r\n${block('PUBLIC KEY BLOCK', `Version: GnuPG v2\nComment: x\n\n${BASE64}\n`)}`
    for (const form of [text, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '  \n')]) {
      const blocks = parseArmor(form)
      if ('fault' in blocks) throw new Error(blocks.fault)
      expect(blocks.map(({ kind }) => kind)).toEqual(['SIGNATURE', 'PUBLIC KEY BLOCK'])
      expect(blocks.map(({ bytes }) => bytes.toString())).toEqual(Array(2).fill('the packets of a signature'))
    }
    expect(parseArmor('no armor\n')).toEqual([])
  })

  it.each([
    ['no end', block().replace('-----END PGP SIGNATURE-----', '')],
    ['the end of another kind', block().replace('END PGP SIGNATURE', 'END PGP MESSAGE')],
    ['no blank line', block('SIGNATURE', `${BASE64}\n`)],
    ['something other than base64', block('SIGNATURE', `\n${BASE64}!\n`)],
    ['base64 cut short', block('SIGNATURE', `\n${BASE64.slice(0, 10)}\n`)],
    ['padding inside', block('SIGNATURE', `\nAA==\n${BASE64}\n`)],
  ])('refuses a block with %s', (_, text) => {
    expect(parseArmor(text)).toEqual({ fault: expect.stringMatching(/SIGNATURE in line 1/) })
  })

  it('takes packets for no text, and text for no packets', () => {
    expect(isArmored(Buffer.from(block()))).toBe(true)
    expect(isArmored(Buffer.from([0xc2, 0x00]))).toBe(false)
    expect(isArmored(Buffer.alloc(0))).toBe(false)
  })
})

describe('parseClearSigned', () => {
  it('gives exactly what was signed: dashes unescaped, blanks at line ends gone, CR LF between lines and none at the end', () => {
    const parsed = parseClearSigned(Buffer.from(clear('first  \t\n- -----BEGIN\n\nlast')))
    if ('fault' in parsed) throw new Error(parsed.fault)
    expect(parsed.canonical.toString()).toBe('first\r\n-----BEGIN\r\n\r\nlast')
    expect(parsed.text).toBe('first\n-----BEGIN\n\nlast')
    expect(parsed.firstLine).toBe(4)
    expect(parsed.signature.toString()).toBe('the packets of a signature')
    expect(isClearSigned(Buffer.from(clear('x')))).toBe(true)
    expect(isClearSigned(Buffer.from(block()))).toBe(false)
  })

  it.each([
    ['text before it', `x\n${clear('text')}`, 'begin'],
    ['text after it', `${clear('text')}x`, 'goes on after its signature, in line 10'],
    ['a second message', `${clear('text')}${clear('text')}`, 'goes on'],
    ['a header that is not Hash', clear('text', 'Comment: x\n\n'), 'line 2'],
    ['no blank line', clear('text', 'Hash: SHA512\n'), 'blank line'],
    ['a dash that is not escaped', clear('-x'), 'dash'],
    ['no signature', '-----BEGIN PGP SIGNED MESSAGE-----\n\ntext\n', 'no signature'],
    ['something else for a signature', clear('x').replaceAll('PGP SIGNATURE', 'PGP MESSAGE'), 'no signature'],
  ])('refuses %s: it would look signed, too', (_, text, says) => {
    expect(parseClearSigned(Buffer.from(text))).toEqual({ fault: expect.stringContaining(says) })
  })
})
