import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJobs } from '#src/cli/batch/read-jobs.js'
import { annotatorFor, complaintsOf, formatAnnotation } from '#src/cli/render/annotation.js'
import { visible } from '#src/cli/render/table.js'
import { ImageError, UsageError } from '#src/errors.js'
import type { Finding } from '#src/oem/finding.js'
import { parseYaml } from '#src/oem/yaml.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'

const workspace = temporaryDirectory()
mkdirSync(join(workspace, 'a,b:c'))
const file = join(workspace, 'a,b:c', '100%.yml')
writeFileSync(file, '')

/** As the runner reads a line: ActionCommand.TryParseV2 in actions/runner. */
function parseAnnotation(line: string) {
  const [, command = '', properties = '', data = ''] = /^::([a-z]+) (.*?)::(.*)$/s.exec(line) ?? []
  const decode = (text: string): string =>
    text
      .replaceAll('%0D', '\r')
      .replaceAll('%0A', '\n')
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%25', '%')
  const pairs = properties.split(',').map((pair) => [pair.split('=')[0], decode(pair.slice(pair.indexOf('=') + 1))])
  return { command, properties: Object.fromEntries(pairs) as Record<string, string>, data: decode(data) }
}

describe('an annotation', () => {
  it('is one line that the runner reads as it was meant, whatever stands in it', () => {
    const text = fc.string({ unit: fc.constantFrom('%', '\r', '\n', ':', ',', '=', '\x1b', '2', '5', 'A', '0', 'é') })
    fc.assert(
      fc.property(text, text, fc.constantFrom('error' as const, 'warning' as const), (title, message, gravity) => {
        const line = formatAnnotation({ gravity, title, message, place: { file, line: 3, column: 5 } }, workspace)
        expect(line).not.toMatch(/\p{Cc}/u)
        expect(parseAnnotation(line)).toEqual({
          command: gravity,
          properties: { title: visible(title), file: 'a,b:c/100%.yml', line: '3', col: '5' },
          data: visible(message),
        })
      }),
    )
  })

  it('escapes as GitHub writes it', () => {
    const complaint = { gravity: 'error', title: 'a:b,c', message: '50 %: a, b\r\nc', hint: 'do\nthis' } as const
    expect(formatAnnotation(complaint, workspace)).toBe(
      '::error title=a%3Ab%2Cc::50 %25: a, b\\u{d}%0Ac%0Ahint: do%0Ahint: this',
    )
  })

  it.each([
    ['of the OEM partition', '/grub.cfg'],
    ['outside the checkout', join(workspace, '../..')],
    ['beside it, with a name that begins like it', `${workspace}-other`],
    ['that is not there', join(workspace, 'absent.yml')],
    ['the checkout itself', workspace],
  ])('names no file %s', (_, path) => {
    const complaint = { gravity: 'warning', title: 't', message: 'm', place: { file: path, line: 1 } } as const
    expect(formatAnnotation(complaint, workspace)).toBe('::warning title=t::m')
  })
})

describe('complaintsOf', () => {
  const finding = (rule: string, severity: Finding['severity']): Finding => ({
    rule,
    severity,
    message: `${rule} is wrong`,
    place: { file, line: 1 },
  })

  it('has each finding that stops a bake, all as errors, for --strict makes them so', () => {
    const findings = [finding('a', 'error'), finding('b', 'warning')]
    const error = new UsageError('ERR_IGNITION_INVALID', '2 things are wrong', { details: { findings } })
    expect(complaintsOf(error)).toMatchObject([
      { gravity: 'error', title: 'a', place: { file, line: 1 } },
      { gravity: 'error', title: 'b' },
    ])
  })

  it.each([
    ['a batch file', 'jobs: []\nnope: 1\n', readJobs, 'ERR_USAGE', { line: 2 }],
    [
      'the syntax of a YAML file',
      'jobs:\n  - [\n',
      async (path: string) => parseYaml(await readFile(path, 'utf8'), path),
      'ERR_YAML_SYNTAX',
      { line: 3, column: 1 },
    ],
  ] as const)('has the place where %s is wrong', async (_, text, read, code, place) => {
    const path = join(workspace, 'jobs.yml')
    writeFileSync(path, text)
    const [complaint] = complaintsOf(await rejectsWithCode(read(path), code))
    expect(complaint).toMatchObject({ title: code, place: { file: path, ...place } })
  })

  it('has any other error under its code', () => {
    const error = new ImageError('ERR_GPT_MISSING', 'no table', { hint: 'h', details: { findings: 'none' } })
    expect(complaintsOf(error)).toEqual([
      { gravity: 'error', title: 'ERR_GPT_MISSING', message: 'no table', hint: 'h' },
    ])
  })
})

describe('annotatorFor', () => {
  const complaints = Array.from({ length: 12 }, (_, index) => ({
    gravity: 'error' as const,
    title: 't',
    message: String(index),
  }))

  it('writes as many as are shown', () => {
    const text = annotatorFor({ GITHUB_ACTIONS: 'true' })?.(complaints)
    expect(text).toBe(Array.from({ length: 10 }, (_, index) => `::error title=t::${index}\n`).join(''))
    expect(annotatorFor({ GITHUB_ACTIONS: 'true' })?.([])).toBe('')
  })

  it('is there in GitHub Actions only', () => {
    for (const env of [{}, { GITHUB_ACTIONS: '' }, { GITHUB_ACTIONS: 'false' }, { CI: 'true' }])
      expect(annotatorFor(env)).toBe(undefined)
  })
})
