/** What the checks of oem-release find. */
import { defineRules } from './finding.js'

export const OEM_RELEASE_RULES = defineRules('ERR_OEM_RELEASE_INVALID', {
  'oem-ids-differ': {
    severity: 'warning',
    finds: 'a cloud-config and an oem-release that give different ids; the updater takes the first',
    source: 'coreos/update_engine omaha_request_params',
  },
})
