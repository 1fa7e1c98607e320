/** The same file on releases with one YAML reader and the other, new and as it was on the partition before. */
import { describe, expect, it } from 'vitest'
import { findingsOf, type RuleInput } from '../../support/rule-examples.js'

const CONTAINER_LINUX = 'container-linux:2512.3.0'
const OLD_FLATCAR = 'flatcar:3815.2.0'
const NEW_FLATCAR = 'flatcar:4081.2.0'

async function told(rule: string, input: RuleInput): Promise<readonly string[]> {
  const found = await findingsOf(input)
  return found.filter((finding) => finding.rule === rule).map(({ severity }) => severity)
}

function unit(runtime: string): string {
  return `#cloud-config\ncoreos:\n  units:\n    - {name: a.service, command: start, runtime: ${runtime}}\n`
}

const MIME = 'Content-Type: multipart/mixed; boundary=x\n\n--x--\n'

describe('a value of the wrong type', () => {
  it.each([
    // What no reader takes.
    ['"true"', CONTAINER_LINUX, ['warning']],
    ['"true"', OLD_FLATCAR, ['warning']],
    ['"true"', NEW_FLATCAR, ['error']],
    ['"true"', 'unknown', ['warning']],
    // What only the new one takes.
    ['"yes"', CONTAINER_LINUX, ['warning']],
    ['"yes"', NEW_FLATCAR, []],
    ['"yes"', 'unknown', ['warning']],
    // What both take.
    ['yes', CONTAINER_LINUX, []],
    ['Off', NEW_FLATCAR, []],
    ['', NEW_FLATCAR, []],
  ])('runtime: %s on %s: %j', async (runtime, release, severities) => {
    expect(await told('cloud-config-type', { files: { '/cloud-config.yml': unit(runtime) }, release })).toEqual(
      severities,
    )
  })
})

describe('a key with hyphens', () => {
  const text = '#cloud-config\nssh-authorized-keys: [ssh-ed25519 AAAA]\n'

  it.each([
    [CONTAINER_LINUX, []],
    [OLD_FLATCAR, []],
    [NEW_FLATCAR, ['warning']],
    ['unknown', ['warning']],
  ])('on %s: %j', async (release, severities) => {
    expect(await told('cloud-config-hyphens', { files: { '/cloud-config.yml': text }, release })).toEqual(severities)
  })
})

describe('MIME', () => {
  it.each([
    [CONTAINER_LINUX, ['error']],
    ['flatcar:3602.2.0', ['error']],
    ['flatcar:3760.2.0', ['note']],
    ['unknown', ['warning']],
  ])('on %s: %j', async (release, severities) => {
    expect(await told('cloud-config-multipart', { files: { '/cloud-config.yml': MIME }, release })).toEqual(severities)
  })
})

describe('a cloud-config that stays', () => {
  const kept = { '/cloud-config.yml': unit('"true"').replace('a.service', 'a') }

  it('is checked too, but stops nothing', async () => {
    const input: RuleInput = { tree: kept, request: { existing: 'merge' }, release: NEW_FLATCAR }
    expect(await told('cloud-config-unit-name', input)).toEqual(['warning'])
    expect(await told('cloud-config-type', input)).toEqual(['warning'])
  })

  it('is of no interest where nobody reads it', async () => {
    const input: RuleInput = { tree: kept, request: { existing: 'merge' }, release: 'flatcar:4722.0.0' }
    expect(await told('cloud-config-unit-name', input)).toEqual([])
  })

  it('is of no interest when it is replaced or removed', async () => {
    const files = { '/cloud-config.yml': '#cloud-config\n' }
    expect(await told('cloud-config-unit-name', { tree: kept, files, request: { existing: 'merge' } })).toEqual([])
    expect(await told('cloud-config-unit-name', { tree: kept, request: { existing: 'replace' } })).toEqual([])
  })
})
