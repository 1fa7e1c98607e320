import { describe, expect, it } from 'vitest'
import { errorText } from '#src/cli/render/error.js'
import { label, takesColour } from '#src/cli/render/label.js'
import { ImageError } from '#src/errors.js'

describe('takesColour', () => {
  it.each([
    ['a terminal', true, { TERM: 'xterm' }, true],
    ['a terminal with an empty NO_COLOR', true, { TERM: 'xterm', NO_COLOR: '' }, true],
    ['a terminal with NO_COLOR, whatever it says', true, { TERM: 'xterm', NO_COLOR: '0' }, false],
    ['a terminal that can do nothing', true, { TERM: 'dumb' }, false],
    ['a pipe', undefined, { TERM: 'xterm' }, false],
  ])('is right about %s', (_, isTTY, env, wanted) => {
    expect(takesColour(isTTY === undefined ? {} : { isTTY }, env)).toBe(wanted)
  })
})

describe('a label', () => {
  it('is coloured, and nothing that follows it', () => {
    expect(label('warning', true)).toBe('\x1b[1;33mwarning:\x1b[0m')
    const text = errorText(new ImageError('ERR_OEM_LABEL', 'found \x1b[32mOEM'), true)
    expect(text).toBe('\x1b[1;31merror:\x1b[0m found \\u{1b}[32mOEM')
  })
})
