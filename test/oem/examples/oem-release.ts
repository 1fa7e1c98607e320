/** Examples of the rules about oem-release. */
import type { RuleExample } from '../../support/rule-examples.js'

const cloudConfig = (id: string) => `#cloud-config\ncoreos:\n  oem:\n    id: ${id}\n`
const release = (id: string) => `ID=${id}\nVERSION_ID=1\nNAME="Acme Cloud"\n`

export const OEM_RELEASE_EXAMPLES: readonly RuleExample[] = [
  {
    rule: 'oem-ids-differ',
    failing: { files: { '/cloud-config.yml': cloudConfig('acme'), '/oem-release': release('other') } },
    passing: { files: { '/cloud-config.yml': cloudConfig('acme'), '/oem-release': release('acme') } },
  },
]
