/** Examples of the rules about oem-release. */
import type { RuleExample, RuleInput } from '../../support/rule-examples.js'

const GOOD = 'ID=acme\nVERSION_ID=1\nNAME="Acme Cloud"\nHOME_URL="https://acme.example/"\n'
const cloudConfig = (id: string) => `#cloud-config\ncoreos:\n  oem:\n    id: ${id}\n`
const grub = (id: string) => `set oem_id="${id}"\n`
const oemRelease = (text: string): RuleInput => ({ files: { '/oem-release': text } })
const ofId = (id: string) => GOOD.replace('acme', id)

/** What the rule finds when one piece of a good file is another. */
function spoilt(rule: string, line: number, column: number, good: string, bad: string, neighbour = good): RuleExample {
  return {
    rule,
    failing: oemRelease(GOOD.replace(good, bad)),
    passing: oemRelease(GOOD.replace(good, neighbour)),
    line,
    column,
  }
}

export const OEM_RELEASE_EXAMPLES: readonly RuleExample[] = [
  spoilt('oem-release-blank-line', 3, 1, 'NAME', '\nNAME'),
  spoilt('oem-release-comment', 3, 1, 'NAME', '# Acme\nNAME', 'NAME'),
  spoilt('oem-release-line', 2, 1, 'VERSION_ID=', 'VERSION_ID = '),
  spoilt('oem-release-cr', 2, 13, '=1\n', '=1\r\n'),
  spoilt('oem-release-unquoted', 3, 10, '"Acme Cloud"', 'Acme Cloud', 'Acme'),
  spoilt('oem-release-open-quote', 3, 6, 'Cloud"', 'Cloud'),
  spoilt('oem-release-expansion', 3, 7, '"Acme Cloud"', '"$Acme Cloud"', "'$Acme Cloud'"),
  spoilt('oem-release-backslash', 3, 11, 'Acme Cloud', 'Acme\\Cloud', 'Acme/Cloud'),
  spoilt('oem-release-control', 3, 11, 'Acme Cloud', 'Acme\u0007Cloud', 'Acme\u00a0Cloud'),
  spoilt('oem-release-no-newline', 4, 33, 'example/"\n', 'example/"'),
  spoilt('oem-release-quoted-id', 1, 4, 'ID=acme', 'ID="acme"'),
  spoilt('oem-release-id-form', 1, 4, 'ID=acme', 'ID=Acme', 'ID=acme-2.0_x'),
  {
    rule: 'oem-release-missing-key',
    failing: oemRelease(GOOD.replace('ID=acme\n', '')),
    passing: oemRelease(GOOD.replace(/HOME_URL.*\n/, '')),
  },
  spoilt('oem-release-missing-key', 1, 4, 'ID=acme', 'ID='),
  spoilt('oem-release-unknown-key', 4, 1, 'HOME_URL', 'HOMEPAGE', 'BUG_REPORT_URL'),
  spoilt('oem-release-duplicate-key', 2, 1, 'VERSION_ID=1', 'ID=1\nVERSION_ID=1'),
  {
    rule: 'oem-release-comment',
    failing: { tree: { '/oem-release': `# kept\n${GOOD}` }, request: { oemId: 'ec2', existing: 'merge' } },
    passing: { tree: { '/oem-release': GOOD }, request: { oemId: 'ec2', existing: 'merge' } },
    line: 1,
  },
  {
    rule: 'oem-release-other-vendor',
    failing: { files: { '/oem-release': ofId('rackspace'), '/grub.cfg': grub('openstack') } },
    passing: { files: { '/oem-release': ofId('acme'), '/grub.cfg': grub('openstack') } },
  },
  // Pairs that the vendors themselves have.
  ...[
    ['ami', 'ec2'],
    ['onmetal', 'rackspace-onmetal'],
    ['stackit', 'openstack'],
  ].map(
    ([id = '', oemId = '']): RuleExample => ({
      rule: 'oem-release-other-vendor',
      failing: { files: { '/oem-release': ofId(id), '/grub.cfg': grub('digitalocean') } },
      passing: { files: { '/oem-release': ofId(id), '/grub.cfg': grub(oemId) } },
    }),
  ),
  {
    rule: 'oem-ids-differ',
    failing: { files: { '/cloud-config.yml': cloudConfig('acme'), '/oem-release': ofId('other') } },
    passing: { files: { '/cloud-config.yml': cloudConfig('acme'), '/oem-release': ofId('acme') } },
  },
]
