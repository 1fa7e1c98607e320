/** What the checks of a cloud-config find. Sources: coreos-cloudinit is coreos/coreos-cloudinit and flatcar/coreos-cloudinit. */
import { defineRules } from '../finding.js'

const VALIDATOR = 'coreos-cloudinit config/validate/rules.go'
const UNITS = 'coreos-cloudinit initialize/config.go (processUnits), system/systemd.go'
const NEW_READER = 'flatcar/coreos-cloudinit 1bbfd30; gopkg.in/yaml.v3 decode.go'

export const CLOUD_CONFIG_RULES = defineRules('ERR_CLOUD_CONFIG_INVALID', {
  'cloud-config-script': {
    severity: 'warning',
    finds: 'a script in the place of the OEM cloud-config, which then runs at every boot',
    source: 'coreos-cloudinit initialize/user_data.go',
  },
  'cloud-config-gzip': {
    severity: 'note',
    finds: 'a cloud-config that is packed with gzip',
    source: 'coreos-cloudinit coreos-cloudinit.go (decompressIfGzip)',
  },
  'cloud-config-multipart': {
    severity: 'error',
    finds: 'MIME parts, which only Flatcar from branch 3654 on reads',
    source: 'flatcar/coreos-cloudinit pull request 21, flatcar/scripts pull request 873',
  },
  'cloud-config-documents': {
    severity: 'error',
    finds: 'a second YAML document, which is not read',
    source: 'go-yaml decode.go (Unmarshal reads the first document)',
  },
  'cloud-config-doubled-key': {
    severity: 'error',
    finds: 'a key that stands twice in one mapping: the last one counts, or nothing of the file',
    source: NEW_READER,
  },
  'cloud-config-foreign-key': {
    severity: 'warning',
    finds: 'a key of cloud-init (cloud-init.io) that coreos-cloudinit skips',
    source: 'coreos-cloudinit config/config.go',
  },
  'cloud-config-unknown-key': {
    severity: 'warning',
    finds: 'a key that coreos-cloudinit does not know and skips',
    source: `coreos-cloudinit config/config.go, ${VALIDATOR}`,
  },
  'cloud-config-nested-write-files': {
    severity: 'warning',
    finds: 'write_files below coreos, where it is skipped',
    source: VALIDATOR,
  },
  'cloud-config-deprecated': {
    severity: 'warning',
    finds: 'a key that is deprecated: what it was for is gone, or fails too often',
    source: 'coreos-cloudinit config/config.go, config/user.go',
  },
  'cloud-config-type': {
    severity: 'error',
    finds: 'a value of the wrong type: it counts as not given, or nothing of the file is applied',
    source: `${VALIDATOR}; ${NEW_READER}`,
  },
  'cloud-config-value': {
    severity: 'error',
    finds: 'a value that is not among those allowed for its key',
    source: 'coreos-cloudinit config/*.go (struct tag valid), config/validate/rules.go',
  },
  'cloud-config-decimal-mode': {
    severity: 'warning',
    finds: 'permissions that look like an octal mode which a tool turned into decimal',
    source: 'coreos-cloudinit system/file.go (Permissions)',
  },
  'cloud-config-yaml-version': {
    severity: 'note',
    finds: 'a scalar that YAML 1.1 and 1.2 read differently, where its key makes that matter to other tools',
    source: 'YAML 1.1 type repository; YAML 1.2 chapter 10.3; go-yaml decode.go',
  },
  'cloud-config-hyphens': {
    severity: 'warning',
    finds: 'keys with hyphens where Flatcar from branch 3913 on reads only underscores',
    source: 'flatcar/coreos-cloudinit 1bbfd30',
  },
  'cloud-config-substitution': {
    severity: 'warning',
    finds: 'a variable such as $private_ipv4, which is empty in the OEM cloud-config',
    source: 'coreos-cloudinit initialize/env.go, units/system-cloudinit@.service',
  },
  'cloud-config-user-name': {
    severity: 'error',
    finds: 'a user without a name, or with one that useradd refuses',
    source: 'coreos-cloudinit initialize/config.go, system/user.go; useradd(8)',
  },
  'cloud-config-passwd': {
    severity: 'warning',
    finds: 'a password that is no hash',
    source: 'coreos-cloudinit system/user.go; crypt(5)',
  },
  'cloud-config-path': {
    severity: 'error',
    finds: 'a file to be written whose path is missing, or is not what it says',
    source: 'coreos-cloudinit system/file.go (WriteFile)',
  },
  'cloud-config-path-twice': {
    severity: 'warning',
    finds: 'a file that is written twice, so that the first writing is lost',
    source: 'coreos-cloudinit initialize/config.go',
  },
  'cloud-config-read-only': {
    severity: 'error',
    finds: 'a file to be written below /usr, which is read-only on the running machine',
    source: VALIDATOR,
  },
  'cloud-config-encoding': {
    severity: 'error',
    finds: 'content that does not decode by its encoding, so that nothing of the file is applied',
    source: `coreos-cloudinit config/decode.go, ${VALIDATOR}`,
  },
  'cloud-config-unit-name': {
    severity: 'error',
    finds: 'a unit without a name, or with one that systemd refuses',
    source: `${UNITS}; systemd.unit(5)`,
  },
  'cloud-config-unit-twice': {
    severity: 'warning',
    finds: 'two units of one name, each with content: the last one stays',
    source: UNITS,
  },
  'cloud-config-idle-unit': {
    severity: 'warning',
    finds: 'a unit that nothing is done with',
    source: UNITS,
  },
  'cloud-config-drop-in': {
    severity: 'error',
    finds: 'a drop-in that coreos-cloudinit skips or systemd does not read',
    source: `${UNITS}; systemd.unit(5)`,
  },
  'cloud-config-masked': {
    severity: 'error',
    finds: 'a unit that is masked and to be started, which stops the units after it',
    source: UNITS,
  },
  'cloud-config-enable': {
    severity: 'warning',
    finds: 'a unit that is enabled but has no [Install] section to say when',
    source: `${UNITS}; systemd.unit(5)`,
  },
  'cloud-config-network-unit': {
    severity: 'warning',
    finds: 'enable or command for a network unit, which is skipped',
    source: UNITS,
  },
  'cloud-config-oneshot': {
    severity: 'note',
    finds: 'a oneshot unit that is started at every boot',
    source: 'coreos-cloudinit units/system-cloudinit@.service',
  },
  'cloud-config-stale-unit': {
    severity: 'warning',
    finds: 'a unit without runtime: true, which stays in /etc when the OEM files change',
    source: 'coreos-cloudinit system/unit.go; coreos/coreos-overlay coreos-base/oem-*/files/cloud-config.yml',
  },
  'cloud-config-kept-invalid': {
    severity: 'warning',
    finds: 'a cloud-config that stays although nothing of it is applied',
    source: 'coreos-cloudinit initialize/user_data.go',
  },
})
