/** What is good must not be blamed: vendors' files, and whatever we write ourselves. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCloudConfig, parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { cloudConfigUnits } from '#src/oem/cloud-config/read-units.js'
import { UNIT_COMMANDS } from '#src/oem/cloud-config/values.js'
import { GOOD_CLOUD_CONFIGS } from '../../support/good-cloud-configs.js'
import { findingsOf } from '../../support/rule-examples.js'

const RELEASES = [
  'container-linux:494.3.0',
  'container-linux:2512.3.0',
  'flatcar:3510.2.8',
  'flatcar:4081.2.0',
  'unknown',
]

describe.each(Object.entries(GOOD_CLOUD_CONFIGS))('a good cloud-config: %s', (_, text) => {
  it.each(RELEASES)('gives no finding above a note on %s', async (release) => {
    const found = await findingsOf({ files: { '/cloud-config.yml': text }, release })
    expect(
      found
        .filter(({ rule, severity }) => rule.startsWith('cloud-config') && severity !== 'note')
        .map((one) => one.message),
    ).toEqual([])
  })
})

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('$', 'S'))
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/)
const unit = fc.record(
  {
    name: word.map((name) => `${name}.service`),
    command: fc.constantFrom(...UNIT_COMMANDS),
    runtime: fc.constant(true),
    content: text.map((description) => `[Unit]\nDescription=${description}\n`),
    drop_ins: fc.array(
      fc.record({ name: word.map((name) => `${name}.conf`), content: text.map((value) => `#${value}`) }),
    ),
  },
  { requiredKeys: ['name', 'command', 'runtime'] },
)
const good = fc.record(
  {
    hostname: word,
    ssh_authorized_keys: fc.array(text, { maxLength: 2 }),
    users: fc.array(fc.record({ name: word, gecos: text, system: fc.boolean(), groups: fc.array(word) }), {
      maxLength: 2,
    }),
    write_files: fc.uniqueArray(
      fc.record({
        path: word.map((name) => `/etc/${name}`),
        content: text,
        permissions: fc.constantFrom('0600', '0644', '0755'),
      }),
      { selector: ({ path }) => path, maxLength: 3 },
    ),
    coreos: fc.record(
      {
        oem: fc.record({ id: word, name: text, version_id: text }),
        update: fc.record({ reboot_strategy: fc.constantFrom('off', 'reboot', 'etcd-lock') }),
        units: fc.uniqueArray(unit, { selector: ({ name }) => name, maxLength: 3 }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

describe('formatCloudConfig', () => {
  it('writes what is accepted without a word, and read back as it was', () => {
    fc.assert(
      fc.property(good, (value) => {
        const parsed = parseCloudConfig(Buffer.from(formatCloudConfig(value)), 'c.yml')
        expect(parsed.findings).toEqual([])
        if (parsed.kind !== 'cloud-config') throw new Error(parsed.kind)
        expect([...parsed.mismatches, ...parsed.hyphenated]).toEqual([])
        expect(cloudConfigUnits(parsed.root).map(({ name }) => name)).toEqual(
          (value.coreos?.units ?? []).map(({ name }) => name),
        )
      }),
      { numRuns: 300 },
    )
  })
})
