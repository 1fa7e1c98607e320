/** What we say about an oem-release, judged by the programs that read one: real shells, grep and cut. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readOemRelease } from '#src/oem/oem-release/read-oem-release.js'
import { readByAll, type Values } from '../../support/oem-release-readers.js'

const MEANT: Values = {
  ID: 'acme',
  VERSION_ID: '1.0-r2',
  NAME: 'Acme Cloud',
  HOME_URL: 'https://acme.example/',
  BUG_REPORT_URL: 'https://acme.example/bugs',
}
const GOOD = Object.entries(MEANT)
  .map(([key, value]) => (key.endsWith('ID') ? `${key}=${value}\n` : `${key}="${value}"\n`))
  .join('')

/** Whether each reader understands the file as it was meant. */
function areUnderstood(texts: readonly string[], meant: (index: number) => Values = () => MEANT): readonly boolean[] {
  return readByAll(texts).map(
    ({ id, values }, index) =>
      values.every((found) => JSON.stringify(found) === JSON.stringify(meant(index))) && id === meant(index).ID,
  )
}

const errorsOf = (text: string) => readOemRelease(text, 'x').findings.filter(({ severity }) => severity === 'error')

/** Rule, line, column, and a file that is meant to say what the good one says. */
const REFUSED: readonly (readonly [string, number, number, string])[] = [
  ['oem-release-blank-line', 3, 1, GOOD.replace('NAME', '\nNAME')],
  ['oem-release-blank-line', 2, 1, GOOD.replace('VERSION', '  \nVERSION')],
  ['oem-release-comment', 1, 1, `# Acme\n${GOOD}`],
  ['oem-release-comment', 4, 1, GOOD.replace('HOME', ' # home\nHOME')],
  ['oem-release-line', 1, 1, GOOD.replace('ID=', 'ID =')],
  ['oem-release-line', 1, 1, GOOD.replace('ID=', ' ID=')],
  ['oem-release-line', 1, 1, `\ufeff${GOOD}`],
  ['oem-release-line', 3, 1, GOOD.replace('NAME=', 'export NAME=')],
  ['oem-release-line', 1, 1, GOOD.replace('ID=acme', 'ID: acme')],
  ['oem-release-unquoted', 3, 10, GOOD.replace('"Acme Cloud"', 'Acme Cloud')],
  ['oem-release-unquoted', 1, 4, GOOD.replace('ID=', 'ID= ')],
  ['oem-release-unquoted', 1, 8, GOOD.replace('acme\n', 'acme \n')],
  ['oem-release-unquoted', 4, 35, GOOD.replace('"https://acme.example/"', 'https://acme.example/?a=b&c=d')],
  ['oem-release-unquoted', 3, 18, GOOD.replace('Cloud"', 'Cloud" us')],
  ['oem-release-comment', 1, 8, GOOD.replace('acme\n', 'acme # us\n')],
  ['oem-release-cr', 1, 8, GOOD.replaceAll('\n', '\r\n')],
  ['oem-release-cr', 4, 33, GOOD.replace('example/"\n', 'example/"\r\n')],
  ['oem-release-open-quote', 3, 6, GOOD.replace('Cloud"', 'Cloud')],
  ['oem-release-open-quote', 3, 18, GOOD.replace('"Acme Cloud"', "'Acme Cloud'\\")],
  ['oem-release-expansion', 3, 7, GOOD.replace('Acme Cloud', '$HOME of Acme')],
  ['oem-release-expansion', 3, 7, GOOD.replace('Acme', '`id`')],
  ['oem-release-expansion', 4, 10, GOOD.replace('"https://acme.example/"', '~')],
  ['oem-release-control', 3, 8, GOOD.replace('Acme', 'A\u0000me')],
  ['oem-release-quoted-id', 1, 4, GOOD.replace('ID=acme', 'ID="acme"')],
  ['oem-release-quoted-id', 1, 4, GOOD.replace('ID=acme', "ID='acme'")],
  ['oem-release-missing-key', 1, 4, GOOD.replace('ID=acme', 'ID=')],
  ['oem-release-duplicate-key', 6, 1, `${GOOD}ID=acme\n`],
]

const TAKEN: readonly (readonly [string, string, Values])[] = [
  ['the safe form', GOOD, MEANT],
  ['a name without blanks, without quotes', GOOD.replace('"Acme Cloud"', 'Acme'), { ...MEANT, NAME: 'Acme' }],
  ['single quotes', GOOD.replace('"Acme Cloud"', "'Acme Cloud'"), MEANT],
  [
    'single quotes around what shells would expand',
    GOOD.replace('"Acme Cloud"', '\'$1 "or" `x`\''),
    {
      ...MEANT,
      NAME: '$1 "or" `x`',
    },
  ],
  ['blanks behind quotes', GOOD.replace('Cloud"', 'Cloud" \t'), MEANT],
  ['blanks in the place of a URL', GOOD.replace('"https://acme.example/"', '  '), { ...MEANT, HOME_URL: '' }],
  ['an empty URL', GOOD.replace('"https://acme.example/"', '""'), { ...MEANT, HOME_URL: '' }],
  [
    'a hash sign within',
    GOOD.replace('"https://acme.example/"', 'https://x/#a'),
    { ...MEANT, HOME_URL: 'https://x/#a' },
  ],
]

const UNDERSTOOD = areUnderstood(REFUSED.map(([, , , text]) => text))

describe('what is refused', () => {
  it.each(REFUSED.map((row, index) => [...row, index] as const))(
    'by %s, line %i, column %i, has a reader that stops or takes it otherwise',
    (rule, line, column, text, index) => {
      const places = errorsOf(text).map((found) => [found.rule, found.place?.line, found.place?.column])
      expect(places).toContainEqual([rule, line, column])
      expect(readOemRelease(text, 'x').release).toBeUndefined()
      expect(UNDERSTOOD[index]).toBe(false)
    },
  )

  it('is refused without an ID', () => {
    const text = GOOD.replace('ID=acme\n', '')
    expect(errorsOf(text).map(({ rule }) => rule)).toEqual(['oem-release-missing-key'])
    expect(areUnderstood([text])).toEqual([false])
    expect(errorsOf('').map(({ rule }) => rule)).toEqual(['oem-release-missing-key'])
  })

  it('cuts an ID at an equals sign', () => {
    expect(errorsOf(GOOD.replace('acme', 'acme=eu')).map(({ rule }) => rule)).toEqual(['oem-release-id-form'])
    expect(readByAll([GOOD.replace('acme', 'acme=eu')])[0]?.id).toBe('acme')
  })
})

describe('what is taken', () => {
  it.each(TAKEN)('%s is what every reader takes it for', (_, text, meant) => {
    expect(readOemRelease(text, 'x').findings).toEqual([])
    expect(areUnderstood([text], () => meant)).toEqual([true])
  })

  it.each([
    ['oem-release-no-newline', GOOD.trimEnd()],
    ['oem-release-comment', GOOD.replace('Cloud"', 'Cloud" # us')],
    ['oem-release-backslash', GOOD.replace('Acme', 'Ac\\me')],
    ['oem-release-id-form', GOOD.replace('acme', 'Acme')],
    ['oem-release-quoted-id', GOOD.replace('1.0-r2', '"1.0-r2"')],
    ['oem-release-unknown-key', `${GOOD}COLOR="red"\n`],
    ['oem-release-unknown-key', GOOD.replace('HOME_URL', 'HOMEURL')],
    ['oem-release-missing-key', GOOD.replace(/^NAME.*\n/m, '')],
    ['oem-release-duplicate-key', `${GOOD}NAME="again"\n`],
  ])('is taken with a warning by %s', (rule, text) => {
    const found = readOemRelease(text, 'x').findings
    expect(found.map((finding) => [finding.rule, finding.severity])).toEqual([[rule, 'warning']])
  })

  it('means the same to every reader, whatever a file is made of', () => {
    const piece = fc.constantFrom(
      ...'a|b c|"|\'|\\|$|$x|`|~|#|;|&|(|)|<|*|?|=|:|!|{|}|é| |\t|\r|\n|ID=|NAME=|\u0007'.split('|'),
      '|',
    )
    const value = fc.oneof(
      fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 4 }).map((pieces) => `"${pieces.join('')}"`),
      fc.array(piece, { maxLength: 4 }).map((pieces) => `'${pieces.join('')}'`),
    )
    const ids = fc.constantFrom('acme', 'acme', 'a.b', '"acme"', 'a c')
    const file = fc
      .tuple(ids, value, value)
      .map(([id, name, url]) => `ID=${id}\nVERSION_ID=1\nNAME=${name}\nHOME_URL=${url}\n`)
    let taken = 0
    fc.assert(
      fc.property(fc.array(file, { minLength: 400, maxLength: 400 }), (texts) => {
        const read = texts.flatMap((text) => {
          const { release } = readOemRelease(text, 'x')
          return release === undefined ? [] : [{ text, release }]
        })
        taken += read.length
        const understood = readByAll(read.map(({ text }) => text))
        for (const [index, { text, release }] of read.entries()) {
          const { id: ID, versionId: VERSION_ID, name: NAME, homeUrl: HOME_URL = '' } = release
          const meant = { ID, VERSION_ID, NAME, HOME_URL, BUG_REPORT_URL: '' }
          expect(understood[index], JSON.stringify(text)).toEqual({ values: [meant, meant, meant, meant], id: ID })
        }
      }),
      // Shrinking would take as long for every step as the run itself; the message has the file.
      { numRuns: 3, seed: 5, endOnFailure: true },
    )
    expect(taken).toBeGreaterThan(100)
  })
})
