/** What the checks of Ignition configs find. */
import { defineRules } from '../finding.js'

export const IGNITION_RULES = defineRules('ERR_IGNITION_INVALID', {
  'ignition-spec': {
    severity: 'error',
    finds: "a config version that the release's Ignition refuses: the machine would not boot",
    source: 'coreos/ignition config/shared/errors, ErrUnknownVersion',
  },
  'ignition-spec-unchecked': {
    severity: 'warning',
    finds: 'a config of spec 3.x for an image whose release is unknown',
    source: 'coreos/ignition docs/migrating-configs',
  },
  'ignition-oem-path': {
    severity: 'error',
    finds: 'an oem:// file that will not be on the OEM partition: the machine would not boot',
    source: 'coreos/ignition internal/resource/url.go',
  },
  'ignition-hides-userdata': {
    severity: 'warning',
    finds: 'a config.ign, which is used instead of what end users give as user data',
    source: 'coreos/ignition internal/exec/engine.go, acquireConfig',
  },
  'ignition-kept-invalid': {
    severity: 'warning',
    finds: 'a config that stays on the OEM partition and is broken',
    source: 'coreos/ignition config/shared/errors',
  },
})
