/** What the checks of oem-release find. Its readers and what they do are described in `oem-release.ts`. */
import { defineRules } from '../finding.js'

const INSTALLERS = 'coreos/init bin/coreos-install and flatcar/init bin/flatcar-install'
const POSTINST = 'flatcar/update_engine flatcar-postinst'
const OMAHA = 'coreos/update_engine omaha_request_params'

export const OEM_RELEASE_RULES = defineRules('ERR_OEM_RELEASE_INVALID', {
  'oem-release-blank-line': {
    severity: 'error',
    finds: 'a blank line, at which the installers and the updater stop',
    source: INSTALLERS,
  },
  'oem-release-comment': {
    severity: 'error',
    finds: 'a comment, at which the installers and the updater stop',
    source: INSTALLERS,
  },
  'oem-release-line': {
    severity: 'error',
    finds: 'a line that is not KEY=value: blanks before the key or around the equals sign, other words',
    source: INSTALLERS,
  },
  'oem-release-cr': {
    severity: 'error',
    finds: 'Windows line ends, which become part of the values',
    source: INSTALLERS,
  },
  'oem-release-unquoted': {
    severity: 'error',
    finds: 'a blank or a character with a meaning for shells outside quotes: what follows is run as a command',
    source: INSTALLERS,
  },
  'oem-release-open-quote': {
    severity: 'error',
    finds: 'a quote that is not closed on its line',
    source: INSTALLERS,
  },
  'oem-release-expansion': {
    severity: 'error',
    finds: 'a value that shells expand: a variable, a command or a tilde',
    source: INSTALLERS,
  },
  'oem-release-backslash': {
    severity: 'warning',
    finds: 'a backslash, which some readers take away and some keep',
    source: `${INSTALLERS}; ${OMAHA}`,
  },
  'oem-release-control': {
    severity: 'error',
    finds: 'control characters, or bytes that are no UTF-8',
    source: INSTALLERS,
  },
  'oem-release-no-newline': {
    severity: 'warning',
    finds: 'a last line without its line feed, which readers that go line by line lose',
    source: 'POSIX shell, read',
  },
  'oem-release-quoted-id': {
    severity: 'error',
    finds: 'an ID between quotes, which become part of the id',
    source: `${POSTINST}; ${OMAHA}`,
  },
  'oem-release-id-form': {
    severity: 'error',
    finds: 'an ID or VERSION_ID of other characters than lower-case letters, digits, dots, dashes and underscores',
    source: POSTINST,
  },
  'oem-release-missing-key': {
    severity: 'error',
    finds: 'no ID, or none of the other keys that every vendor gives',
    source: `${OMAHA}; coreos/coreos-overlay coreos-base/oem-*`,
  },
  'oem-release-unknown-key': {
    severity: 'warning',
    finds: 'a key that nobody reads',
    source: 'coreos/coreos-overlay coreos-base/oem-*, oem-release',
  },
  'oem-release-duplicate-key': {
    severity: 'error',
    finds: 'a key that stands twice',
    source: POSTINST,
  },
  'oem-release-other-vendor': {
    severity: 'warning',
    finds: "one vendor's ID in oem-release and another vendor's oem_id in grub.cfg",
    source: 'coreos/coreos-overlay coreos-base/oem-*; flatcar/scripts coreos-base/common-oem-files',
  },
  'oem-ids-differ': {
    severity: 'warning',
    finds: 'a cloud-config and an oem-release that give different ids; the updater takes the first',
    source: OMAHA,
  },
})
