import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchesOf, formatArgument, formatCommand, formatList, MAX_LINE_BYTES } from '#src/engine/libguestfs/quote.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'

/** All that guestfish gives a meaning to, more often than chance would bring it. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        ...'\'"\\ \t\n|~!#*?[]{}<>&;$`%-:=/'.split(''),
        'win:',
        '<!',
        '\\n',
        '\\x41',
        '~root',
        'a',
        'ü',
        '\r',
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)
const argument = hostile.filter((text) => !text.includes('\0'))

const directory = temporaryDirectory()

/** One process for all values; a token line ends each answer. */
function runGuestfish(lines: readonly string[]): readonly string[] {
  const token = 'f2d0a7c1-end-of-answer'
  const script = lines.map((line) => `${line}\necho ${token}\n`).join('')
  const env = { ...process.env, LC_ALL: 'C', HOME: directory }
  const output = execFileSync('guestfish', [], { input: script, env, maxBuffer: 1 << 26 }).toString('utf8')
  return output.split(`${token}\n`).slice(0, -1)
}

/** What becomes of text on its way through UTF-8: lone surrogates are replaced. */
function throughUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

describe('formatArgument', () => {
  it('makes any text come out of the real guestfish as it went in', () => {
    const values = fc.sample(argument, { numRuns: 3000, seed: 20260701 })
    const answers = runGuestfish(values.map((value) => formatCommand('echo', [value])))
    expect(answers).toEqual(values.map((value) => `${throughUtf8(value)}\n`))
  })

  it('keeps the border between arguments', () => {
    const pairs = fc.sample(fc.tuple(argument, argument), { numRuns: 500, seed: 20260702 })
    // echo joins with one blank: a border that moved takes a quote or a blank with it.
    const answers = runGuestfish(pairs.map((pair) => formatCommand('echo', pair)))
    expect(answers).toEqual(pairs.map(([first, second]) => `${throughUtf8(first)} ${throughUtf8(second)}\n`))
  })

  it('refuses a NUL', async () => {
    await rejectsWithCode(() => formatArgument('a\0b'), 'ERR_INTERNAL')
  })

  it('never lets a value end its line', () => {
    fc.assert(fc.property(argument, (value) => !formatArgument(value).includes('\n')))
  })
})

describe('formatList', () => {
  it('makes the real guestfish split a list into the items it was made of', () => {
    // The list of backend settings can be set and printed without a launch. Items are printed one a line.
    const item = argument.filter((text) => !text.includes('\n'))
    const lists = fc.sample(fc.array(item, { minLength: 1, maxLength: 6 }), { numRuns: 1000, seed: 20260703 })
    const answers = runGuestfish(
      lists.map((list) => `${formatCommand('set-backend-settings', [formatList(list)])}\nget-backend-settings`),
    )
    expect(answers).toEqual(lists.map((list) => list.map((text) => `${throughUtf8(text)}\n`).join('')))
  })

  it('keeps a line feed inside an item', () => {
    const [answer] = runGuestfish([
      `${formatCommand('set-backend-settings', [formatList(["a\n'b\\", 'c'])])}\nget-backend-settings`,
    ])
    expect(answer).toBe("a\n'b\\\nc\n")
  })
})

describe('formatCommand', () => {
  it('makes lines up to the length that the real guestfish reads, and refuses longer ones', async () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES - 'echo ""'.length)
    expect(runGuestfish([formatCommand('echo', [longest])])).toEqual([`${longest}\n`])
    await rejectsWithCode(() => formatCommand('echo', [`${longest}x`]), 'ERR_GUESTFISH')
    // One byte more would still do: the line feed that is cut off is an empty line. Two are too many.
    expect(() => runGuestfish([`echo "${longest}xx"`])).toThrow()
  })

  it('writes optional parameters as name:value', () => {
    expect(formatCommand('add-drive', ['/a b'], { format: 'raw', readonly: true })).toBe(
      'add-drive "/a b" "format:raw" "readonly:true"',
    )
  })
})

describe('batchesOf', () => {
  it('keeps all items, in order, in lists that fit a line', () => {
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 400 }), (items) => {
        const batches = batchesOf(items, 'lstatnslist "/x" ""'.length)
        expect(batches.flat()).toEqual(items)
        for (const batch of batches) formatCommand('lstatnslist', ['/x', formatList(batch)])
      }),
      { numRuns: 50 },
    )
  })

  it('puts hundreds of short names into one list', () => {
    expect(
      batchesOf(
        Array.from({ length: 500 }, (_, index) => `file-${index}`),
        30,
      ),
    ).toHaveLength(1)
  })
})
