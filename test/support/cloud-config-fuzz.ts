/** What must hold for any bytes in the place of a cloud-config, however wrong. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { OemBakeError } from '#src/errors.js'
import { parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { readCloudConfig } from '#src/oem/cloud-config/read-units.js'
import { checkOnRelease } from '#src/oem/cloud-config/release-checks.js'
import { cloudConfigDocument } from './cloud-config-documents.js'
import { GOOD_CLOUD_CONFIGS } from './good-cloud-configs.js'

/** More than any of these takes, by far; a hang takes more. */
const PATIENCE_MS = 10_000

const PIECES = `
  coreos: units: users: write_files: - name: a.service content: | >- &a *a <<: {} [] { } [ ] " ' # : , ? ! !!binary !!x
  yes 010 ~ \\ $private_ipv4 \\$public_ipv6 passwd: encoding: gz+b64 path: /usr/x permissions: drop_ins: --- ... %YAML
`
  .trim()
  .split(/\s+/)
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PIECES) },
  { weight: 4, arbitrary: fc.constantFrom('\n', '\n  ', '\n    ', '\n      ', ' ', '\t', '\r\n') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
)
const noise = fc.array(piece, { maxLength: 60 }).map((pieces) => `#cloud-config\n${pieces.join('')}`)

/** Good files with a piece of them taken out, doubled, or replaced. */
const damaged = fc
  .tuple(fc.constantFrom(...Object.values(GOOD_CLOUD_CONFIGS)), fc.nat(), fc.nat({ max: 30 }), piece)
  .map(([text, at, length, put]) => {
    const from = at % (text.length + 1)
    return `${text.slice(0, from)}${put}${text.slice(from + length)}`
  })

const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array))

export const anyCloudConfig: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 3, arbitrary: noise.map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: damaged.map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: cloudConfigDocument.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: bytes },
)

/** @returns what became of it */
export function assertHandled(input: Buffer): 'refused' | 'blamed' | 'good' {
  const before = performance.now()
  const outcome = handle(input)
  expect(performance.now() - before, JSON.stringify(input.toString())).toBeLessThan(PATIENCE_MS)
  return outcome
}

function handle(input: Buffer): 'refused' | 'blamed' | 'good' {
  let parsed: ReturnType<typeof parseCloudConfig>
  try {
    parsed = parseCloudConfig(input, 'c.yml')
  } catch (error) {
    expect(error).toBeInstanceOf(OemBakeError)
    expect(readCloudConfig(input)).toBeUndefined()
    return 'refused'
  }
  expect(readCloudConfig(input)?.kind).toBe(parsed.kind)
  const findings = [...parsed.findings, ...checkOnRelease(parsed, 'c.yml', { kind: 'unknown', reason: 'nobody says' })]
  const lines = input.toString().split(/\r\n?|\n/)
  for (const { hint, message, place, rule } of findings) {
    expect(message).not.toMatch(/undefined|NaN|\[object/)
    expect(hint ?? '').not.toMatch(/undefined|NaN|\[object/)
    if (rule === 'cloud-config-gzip') continue
    // Places point into the file: to a character, or just behind the last one of its line.
    const line = lines[(place?.line ?? 0) - 1]
    expect(line, message).toBeDefined()
    expect(place?.column ?? 0, message).toBeGreaterThan(0)
    expect(place?.column ?? 0, message).toBeLessThanOrEqual((line?.length ?? 0) + 1)
  }
  return findings.length === 0 ? 'good' : 'blamed'
}
