/** A few hundred of what `test/full/cloud-config-fuzz.test.ts` does ten thousand times. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { anyCloudConfig, assertHandled } from '../../support/cloud-config-fuzz.js'

describe('parseCloudConfig', () => {
  it('throws nothing but our errors, never hangs, and points into the file, whatever the bytes', () => {
    fc.assert(
      fc.property(anyCloudConfig, (input) => {
        assertHandled(input)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['a megabyte of one key', `${'x'.repeat(1 << 20)}: 1`],
    ['a megabyte of one value', `hostname: ${'9'.repeat(1 << 20)}`],
    ['a megabyte of backslashes', `# ${'\\'.repeat(1 << 20)}`],
    ['a megabyte of slashes as a path', `write_files: [{path: ${'/a/..'.repeat(200_000)}}]`],
    ['a megabyte of exclamation marks as a password', `users: [{name: a, passwd: '${'!'.repeat(1 << 20)}a b'}]`],
    ['a megabyte of digits as a duration', `coreos: {locksmith: {window_length: '${'1'.repeat(1 << 20)}x'}}`],
    ['a megabyte of zeros as a time', `coreos: {locksmith: {window_start: '${'0'.repeat(1 << 20)}x'}}`],
    ['thirty thousand users', `users:\n${'  - {}\n'.repeat(30_000)}`],
    ['thirty thousand keys', Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['aliases of lists of units', `x: &u [{name: a}]\ncoreos: {units: [${'*u, '.repeat(99)}]}`],
    [
      'aliases of aliases',
      `x: &a {drop_ins: [${'{name: a}, '.repeat(1000)}]}\ncoreos: {units: [${'*a, '.repeat(99)}]}`,
    ],
    ['a unit whose lines all go on', `coreos: {units: [{name: a.service, content: "${'a\\\\\\n'.repeat(30_000)}"}]}`],
  ])('is done in time with %s', (_, body) => {
    const before = performance.now()
    expect(() => assertHandled(Buffer.from(`#cloud-config\n${body}\n`))).not.toThrow()
    expect(performance.now() - before).toBeLessThan(10_000)
    expect(parseCloudConfig(Buffer.from(`#cloud-config\n${body}\n`), 'c.yml').findings.length).toBeLessThan(1000)
  })
})
