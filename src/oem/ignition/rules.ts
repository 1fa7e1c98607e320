/** What the checks of Ignition configs find. */
import { defineRules } from '../finding.js'

const ERRORS = 'coreos/ignition config/shared/errors/errors.go'
const TYPES = 'coreos/ignition config/v3_*_/types'

export const IGNITION_RULES = defineRules('ERR_IGNITION_INVALID', {
  'ignition-spec': {
    severity: 'error',
    finds: "a config version that the release's Ignition refuses: the machine would not boot",
    source: `${ERRORS}, ErrUnknownVersion`,
  },
  'ignition-spec-unchecked': {
    severity: 'warning',
    finds: 'a config of spec 3.x for an image whose release is unknown',
    source: 'coreos/ignition docs/migrating-configs',
  },
  'ignition-spec-experimental': {
    severity: 'warning',
    finds: 'an experimental config version, which the next Ignition refuses',
    source: 'coreos/ignition docs/configuration-v3_6.md, ignition.version',
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
    source: ERRORS,
  },
  'ignition-untranslatable': {
    severity: 'error',
    finds: 'a 2.x config that Flatcar from branch 3185 on cannot translate to 3.1.0: the machine would not boot',
    source: 'flatcar/scripts sys-apps/ignition/files/0002-config-add-ignition-translation.patch, Check2_4',
  },
  'ignition-structure': {
    severity: 'error',
    finds: 'a value of the wrong type',
    source: 'coreos/ignition docs/configuration-v3_*.md, doc/configuration-v2_*.md',
  },
  'ignition-missing': {
    severity: 'error',
    finds: 'something without what it must have',
    source: 'coreos/ignition docs/configuration-v3_*.md, doc/configuration-v2_*.md',
  },
  'ignition-unknown-key': {
    severity: 'warning',
    finds: 'a key that the config version does not have, which Ignition skips',
    source: 'coreos/ignition config/validate/validate.go, ValidateUnusedKeys',
  },
  'ignition-duplicate-key': {
    severity: 'warning',
    finds: 'a key that stands twice in one object, of which readers take the one or the other',
    source: 'RFC 8259 section 4',
  },
  'ignition-deprecated': {
    severity: 'note',
    finds: 'a field that later versions have no more',
    source: 'coreos/ignition doc/configuration-v2_4.md',
  },
  'ignition-path': {
    severity: 'error',
    finds: 'a path that is relative or, from spec 3.0.0 on, not in its simplest form',
    source: `${TYPES}/path.go`,
  },
  'ignition-path-conflict': {
    severity: 'error',
    finds: 'a node below a link or file of the same config, or a hard link to a directory',
    source: `${TYPES}/storage.go; config/v3_6_experimental/types/config.go, validateParents`,
  },
  'ignition-duplicate': {
    severity: 'error',
    finds: 'something that is there twice, which Ignition refuses from spec 3.0.0 on',
    source: 'coreos/ignition config/validate/validate.go, ValidateDups',
  },
  'ignition-mode': { severity: 'error', finds: 'a mode out of range', source: `${TYPES}/mode.go` },
  'ignition-mode-octal': {
    severity: 'warning',
    finds: 'a mode that looks octal, such as 644: JSON has decimal numbers only',
    source: 'coreos/ignition docs/configuration-v3_6.md, mode',
  },
  'ignition-mode-special': {
    severity: 'warning',
    finds: 'setuid, setgid or sticky bits, which specs 3.0.0 to 3.3.0 skip',
    source: 'coreos/ignition pull request 1325',
  },
  'ignition-mode-unset': {
    severity: 'warning',
    finds: 'a file without mode in a 2.x config',
    source: `${ERRORS}, ErrFilePermissionsUnset; config/types/file.go`,
  },
  'ignition-owner': { severity: 'error', finds: 'an owner with both id and name', source: `${TYPES}/node.go` },
  'ignition-overwrite': {
    severity: 'error',
    finds: 'overwrite with append, or without anything to write',
    source: `${TYPES}/file.go; ${ERRORS}, ErrAppendAndOverwrite`,
  },
  'ignition-url': {
    severity: 'error',
    finds: 'a URL that Ignition cannot read, or of a scheme that the version does not have',
    source: `${TYPES}/url.go`,
  },
  'ignition-data-url': {
    severity: 'error',
    finds: 'a data URL that does not decode',
    source: `${TYPES}/url.go; vincent-petithory/dataurl lex.go`,
  },
  'ignition-compression': {
    severity: 'error',
    finds: 'a compression other than gzip, or of something from S3',
    source: `${TYPES}/resource.go`,
  },
  'ignition-gzip': {
    severity: 'error',
    finds: 'content that should be gzip and is not: the machine would not boot',
    source: 'coreos/ignition internal/resource/url.go, uncompress',
  },
  'ignition-hash': {
    severity: 'error',
    finds: 'a hash of unknown kind or wrong length, or one without a source',
    source: `${TYPES}/verification.go`,
  },
  'ignition-hash-mismatch': {
    severity: 'error',
    finds: 'content that does not have its hash: the machine would not boot',
    source: 'coreos/ignition internal/util/verification.go, AssertValid',
  },
  'ignition-headers': {
    severity: 'error',
    finds: 'HTTP headers that are empty, or for something other than http and https',
    source: `${TYPES}/headers.go, resource.go`,
  },
  'ignition-unit-name': {
    severity: 'error',
    finds: 'a unit whose name does not end as systemd wants',
    source: `${TYPES}/unit.go`,
  },
  'ignition-dropin-name': {
    severity: 'error',
    finds: 'a drop-in whose name does not end with .conf',
    source: `${TYPES}/unit.go`,
  },
  'ignition-unit-syntax': {
    severity: 'error',
    finds: 'unit contents that Ignition cannot read',
    source: 'coreos/go-systemd unit/deserialize.go',
  },
  'ignition-unit-install': {
    severity: 'warning',
    finds: 'a unit that is enabled and has no [Install] section, so that nothing starts it',
    source: 'coreos/ignition config/shared/validations/unit.go',
  },
  'ignition-unit-conflict': {
    severity: 'error',
    finds: 'a file, directory or link where a unit is written',
    source: 'coreos/ignition config/v3_6_experimental/types/config.go',
  },
  'ignition-filesystem': {
    severity: 'error',
    finds: 'a filesystem of unknown format, or with fields that exclude each other',
    source: `${TYPES}/filesystem.go; config/types/filesystem.go`,
  },
  'ignition-filesystem-unknown': {
    severity: 'warning',
    finds: 'a node on a filesystem that the config does not define',
    source: 'coreos/ignition config/validate/rules.go',
  },
  'ignition-filesystem-shadowed': {
    severity: 'warning',
    finds: 'a filesystem that is defined twice',
    source: 'coreos/ignition config/validate/rules.go',
  },
  'ignition-label': {
    severity: 'error',
    finds: 'a label that is too long, or holds what it may not',
    source: `${TYPES}/filesystem.go, partition.go, luks.go`,
  },
  'ignition-partition': {
    severity: 'error',
    finds: 'partitions that collide, overlap, or contradict themselves',
    source: `${TYPES}/disk.go, partition.go`,
  },
  'ignition-raid': { severity: 'error', finds: 'a RAID array that cannot be', source: `${TYPES}/raid.go` },
  'ignition-luks': {
    severity: 'error',
    finds: 'an encrypted device that cannot be',
    source: `${TYPES}/luks.go, clevis.go, tang.go`,
  },
})

export type IgnitionRule = Parameters<typeof IGNITION_RULES.found>[0]
