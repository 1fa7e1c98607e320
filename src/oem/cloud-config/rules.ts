/** What the checks of a cloud-config find. Sources: coreos-cloudinit is coreos/coreos-cloudinit and flatcar/coreos-cloudinit. */
import { defineRules } from '../finding.js'

export const CLOUD_CONFIG_RULES = defineRules('ERR_CLOUD_CONFIG_INVALID', {
  'cloud-config-script': {
    severity: 'warning',
    finds: 'a script in the place of the OEM cloud-config, which then runs at every boot',
    source: 'coreos-cloudinit initialize/user_data.go',
  },
  'cloud-config-foreign-key': {
    severity: 'warning',
    finds: 'a key of cloud-init (cloud-init.io) that coreos-cloudinit skips',
    source: 'coreos-cloudinit config/config.go',
  },
  'cloud-config-unknown-key': {
    severity: 'warning',
    finds: 'a key that coreos-cloudinit does not know and skips',
    source: 'coreos-cloudinit config/config.go, config/validate/rules.go',
  },
  'cloud-config-read-only': {
    severity: 'warning',
    finds: 'a file to be written below /usr, which is read-only on the running machine',
    source: 'coreos-cloudinit config/validate/rules.go',
  },
  'cloud-config-substitution': {
    severity: 'warning',
    finds: 'a variable such as $private_ipv4, which is empty in the OEM cloud-config',
    source: 'coreos-cloudinit initialize/env.go, units/system-cloudinit@.service',
  },
  'cloud-config-hyphens': {
    severity: 'warning',
    finds: 'keys with hyphens where Flatcar from branch 3913 on reads only underscores',
    source: 'flatcar/coreos-cloudinit 1bbfd30',
  },
})
