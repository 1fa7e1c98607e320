/** What the checks of the OEM grub.cfg find. */
import { defineRules } from '../finding.js'

const KARGS_HELPER = 'flatcar/bootengine dracut/30ignition/ignition-kargs-helper'

export const GRUB_RULES = defineRules('ERR_GRUB_CFG_INVALID', {
  'grub-cr': {
    severity: 'warning',
    finds: 'carriage returns, which GRUB takes as part of values',
    source: 'GRUB manual, section 6.1',
  },
  'grub-platform-id': {
    severity: 'warning',
    finds: 'ignition.platform.id in linux_append, which does not choose the platform',
    source: 'coreos/bootengine and flatcar/bootengine dracut/30ignition',
  },
  'grub-append-overwrites': {
    severity: 'warning',
    finds: 'linux_append set without what it held before',
    source: 'coreos/scripts build_library/grub.cfg',
  },
  'grub-append-form': {
    severity: 'warning',
    finds: "a linux_append in a form that Flatcar's kernel-arguments helper misreads",
    source: KARGS_HELPER,
  },
})
