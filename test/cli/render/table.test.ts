import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, table, visible } from '#src/cli/render/table.js'

/** What can move a cursor, colour a terminal, or make text read otherwise than it is. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

describe('printable', () => {
  it.each([
    ['plain text, Ünïcödé ☃', 'plain text, Ünïcödé ☃'],
    ['\x1b[31mred\x1b[0m', '\\u{1b}[31mred\\u{1b}[0m'],
    ['two\nlines\r', 'two\\u{a}lines\\u{d}'],
    ['\x9b2J', '\\u{9b}2J'],
    ['right\u202eto left', 'right\\u{202e}to left'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['\u2028', '\\u{2028}'],
    ['back\\slash', 'back\\\\slash'],
  ])('shows %j as %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('lets no control character through, and shows different texts differently', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        expect(printable(one)).not.toMatch(CONTROL)
        if (one !== other) expect(printable(one)).not.toBe(printable(other))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('visible', () => {
  it('keeps lines and backslashes, which sentences hold, and lets no other control character through', () => {
    expect(visible('one\ntwo \\ \x1b[2J\r')).toBe('one\ntwo \\ \\u{1b}[2J\\u{d}')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visible(text).replaceAll('\n', '')).not.toMatch(CONTROL)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('table', () => {
  it('pads each column to its widest cell, and leaves no spaces at the end', () => {
    expect(
      table(
        [
          ['a', '1', 'x'],
          ['bbb', '222', ''],
          ['', '', 'long'],
        ],
        ['left', 'right', 'left'],
      ),
    ).toEqual(['  a      1  x', '  bbb  222', '            long'])
  })

  it('takes no rows, and as many as a filesystem has files', () => {
    expect(table([], ['left'])).toEqual([])
    const rows = Array.from({ length: 300_000 }, (_, index) => [String(index)])
    expect(table(rows, ['right'])).toHaveLength(300_000)
  })
})
