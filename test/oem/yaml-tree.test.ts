/** Positions must point at what they name, and the tree must say what the plain parse says. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OemBakeError } from '#src/errors.js'
import { formatYaml, parseYaml, parseYamlTrees, plainScalarReadings } from '#src/oem/yaml.js'
import { isNull, type YamlNode } from '#src/oem/yaml-tree.js'
import { rejectsWithCode } from '../support/errors.js'

function treeOf(text: string): YamlNode {
  const [document] = parseYamlTrees(text, 'x.yml')
  if (document === undefined) throw new Error('no document')
  return document.root
}

/** What a YAML 1.2 reader makes of it; of nodes that repeat through aliases, each anew. */
function plainValue(node: YamlNode): unknown {
  switch (node.kind) {
    case 'list':
      return node.items.map(plainValue)
    case 'mapping':
      return Object.fromEntries(
        node.entries.map(({ key, value }) => [key.kind === 'scalar' ? key.text : '', plainValue(value)]),
      )
    case 'scalar':
      return node.plain ? plainScalarReadings(node.text).yaml12 : node.text
  }
}

function scalarsOf(node: YamlNode): readonly Extract<YamlNode, { kind: 'scalar' }>[] {
  switch (node.kind) {
    case 'list':
      return node.items.flatMap(scalarsOf)
    case 'mapping':
      return node.entries.flatMap(({ key, value }) => [...scalarsOf(key), ...scalarsOf(value)])
    case 'scalar':
      return [node]
  }
}

const scalar = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.integer(), fc.boolean(), fc.constant(null))
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

describe('parseYamlTrees', () => {
  it('says of any document what the plain parse says', () => {
    fc.assert(
      fc.property(value, (data) => {
        const text = formatYaml(data)
        expect(plainValue(treeOf(text))).toEqual(parseYaml(text, 'x.yml'))
      }),
    )
  })

  it('places every scalar where its text stands', () => {
    fc.assert(
      fc.property(value, fc.constantFrom('\n', '\r\n'), (data, newline) => {
        const text = formatYaml(data).replaceAll('\n', newline)
        const lines = text.split(/\r\n?|\n/)
        for (const node of scalarsOf(treeOf(text))) {
          const rest = (lines[node.at.line - 1] ?? '').slice(node.at.column - 1)
          if (node.plain) expect(rest.startsWith(node.text)).toBe(true)
          else if (/^["']/.test(rest)) expect(rest.length).toBeGreaterThan(1)
          else
            expect(node.text.trim() === '' || rest.startsWith(node.text.trimStart().split('\n', 1)[0] ?? '?')).toBe(
              true,
            )
        }
      }),
    )
  })

  it.each([
    ['a: b', 'b', 1, 4],
    ['a: "b"', 'b', 1, 4],
    ["a:\n  - 'b'", 'b', 2, 5],
    ['a: |\n  b\n', 'b\n', 2, 3],
    ['a: >-\n\n    b\n', '\nb', 3, 5],
    ['a: {x: 1, y: b}', 'b', 1, 14],
    ['a: !!str b', 'b', 1, 10],
    ['a: &x b', 'b', 1, 7],
    ['x: &x b\na: *x', 'b', 2, 4],
    ['# ü\nä: b', 'b', 2, 4],
    ['a:\r\n  c: b\r\n', 'b', 2, 6],
  ])('places the last scalar of %j', (text, last, line, column) => {
    expect(scalarsOf(treeOf(text)).at(-1)).toMatchObject({ text: last, at: { line, column } })
  })

  it('gives what stands nowhere the place of what stands before it', () => {
    const nothing = scalarsOf(treeOf('a: 1\nb:\n')).at(-1)
    expect(nothing && isNull(nothing)).toBe(true)
    expect(nothing?.at).toEqual({ line: 2, column: 1 })
  })

  it('keeps the last of doubled keys, and tells of each', () => {
    const [document] = parseYamlTrees('a: 1\nb:\n  c: 1\n  c: 2\na: 3\n', 'x.yml')
    expect(document && plainValue(document.root)).toEqual({ a: 3, b: { c: 2 } })
    expect(document?.doubled).toEqual([
      { name: 'c', at: { line: 4, column: 3 }, firstAt: { line: 3, column: 3 } },
      { name: 'a', at: { line: 5, column: 1 }, firstAt: { line: 1, column: 1 } },
    ])
  })

  it('merges mappings in, behind keys of their own', () => {
    expect(plainValue(treeOf('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {x: 3, <<: [*a, *b]}\n'))).toMatchObject({
      c: { x: 3, y: 1, z: 2 },
    })
  })

  it('gives every document of a stream', () => {
    expect(parseYamlTrees('a: 1\n---\nb: 2\n...\n', 'x').map(({ root }) => plainValue(root))).toEqual([
      { a: 1 },
      { b: 2 },
    ])
    expect(parseYamlTrees('# nothing\n', 'x')).toEqual([])
    expect(parseYamlTrees('', 'x')).toEqual([])
  })

  it.each([
    ['a: *x\n', 'line 1, column 4'],
    ['a: &x [*x]\n', 'line 1, column 8'],
    ['<<: 1\n', 'line 1, column 5'],
    ['a: 1\n\tb: 2\n', 'line 2, column 1'],
    [`a: &a x\nb: [${'*a, '.repeat(101)}]\n`, 'line 2'],
    [`a: ${'['.repeat(200)}\n`, 'line 1'],
    [
      `a: &a {${Array.from({ length: 200 }, (_, index) => `k${index}: 1`).join(', ')}}\nb: {<<: [${'*a, '.repeat(99)}]}`,
      'line 2',
    ],
  ])('refuses %j with its place', async (text, place) => {
    const error = await rejectsWithCode(() => parseYamlTrees(text, 'x.yml'), 'ERR_YAML_SYNTAX')
    expect(error.message).toContain(`x.yml, ${place}`)
  })

  it('takes aliases of aliases of aliases in no time', () => {
    const levels = Array.from(
      { length: 9 },
      (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index}, `.repeat(10)}]`,
    )
    expect(parseYamlTrees(`l0: &l0 x\n${levels.join('\n')}\n`, 'x.yml')).toHaveLength(1)
  })

  it('throws nothing but our errors, whatever the text', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '\t',
      '&a ',
      '*a',
      '<<: ',
      '!!x ',
      '|\n',
      '>',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '---\n',
      '%',
      '?',
      ',',
      '\u0000',
      '\ufeff',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parseYamlTrees(pieces.join(''), 'x.yml')
        } catch (error) {
          expect(error).toBeInstanceOf(OemBakeError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
