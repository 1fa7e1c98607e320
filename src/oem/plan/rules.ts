/** What the checks of the whole find: the tree as it will be, on the image's release. */
import { defineRules } from '../finding.js'

const UPDATER = 'flatcar/update_engine flatcar-postinst'
const PLATFORM = 'coreos/bootengine and flatcar/bootengine dracut/30ignition'
const HOOKS = 'coreos/init and flatcar/init systemd/system; coreos/update_engine coreos-postinst'

export const TREE_RULES = defineRules('ERR_USAGE', {
  'no-effect-cloud-config': {
    severity: 'error',
    code: 'ERR_CLOUD_CONFIG_INVALID',
    finds: 'a cloud-config on a release that does not read it from the OEM partition',
    source: 'flatcar/coreos-cloudinit fb088ff, 8df59e8',
  },
  'no-effect-ignition': {
    severity: 'error',
    code: 'ERR_IGNITION_INVALID',
    finds: 'an Ignition config on a release that does not read it from there',
    source: 'coreos/bootengine and flatcar/bootengine dracut/30ignition/ignition-setup.sh',
  },
  'no-effect-file': {
    severity: 'warning',
    finds: 'a file that this release does not use under that name',
    source: 'coreos/init and flatcar/init, coreos-setup-environment.service',
  },
  'oem-id-not-read': {
    severity: 'warning',
    finds: 'an oem_id on a release that takes none from grub.cfg',
    source: 'coreos/scripts build_library/grub.cfg',
  },
  'oem-id-unknown': {
    severity: 'error',
    code: 'ERR_OEM_ID_UNKNOWN',
    finds: "an oem_id that the release's Ignition does not know: the machine would never boot",
    source: 'coreos/ignition internal/main.go, internal/registry MustGet',
  },
  'oem-id-absent': {
    severity: 'note',
    finds: 'no oem_id, so that Ignition guesses the platform',
    source: PLATFORM,
  },
  'oem-id-stays': {
    severity: 'warning',
    finds: "a vendor's cloud-config beside another vendor's oem_id, which stays",
    source: PLATFORM,
  },
  'secure-boot-skips-grub': {
    severity: 'note',
    finds: 'a grub.cfg that the release skips under Secure Boot',
    source: 'coreos/scripts and flatcar/scripts build_library/grub.cfg',
  },
  'cloudinit-of-other-vendor': {
    severity: 'warning',
    finds: "a file that runs coreos-cloudinit for another vendor's metadata service",
    source: 'coreos/coreos-cloudinit coreos-cloudinit.go, --oem',
  },
  'name-not-read': {
    severity: 'warning',
    finds: 'a file with almost the name of one that is read: cloud-config.yaml, Grub.cfg, base.ign at the root',
    source: 'oem-bake, from the names that are read',
  },
  'program-absent': {
    severity: 'warning',
    finds: 'a unit that starts a program which will not be on the OEM partition',
    source: 'systemd.service(5)',
  },
  'program-not-executable': {
    severity: 'warning',
    finds: 'a program that something starts, without the permission to be executed',
    source: `${HOOKS}; systemd.service(5)`,
  },
  'program-without-shebang': {
    severity: 'warning',
    finds: 'a script that something starts, without an interpreter on its first line',
    source: 'execve(2)',
  },
  'script-cr': {
    severity: 'warning',
    finds: 'a script with Windows line ends, which does not start',
    source: 'execve(2)',
  },
  'setuid-file': {
    severity: 'warning',
    finds: 'a file with the setuid or setgid bit',
    source: 'coreos/init and flatcar/init, OEM mount units: nosuid is not set',
  },
  'world-writable': {
    severity: 'warning',
    finds: 'a file that every user of the machine can change',
    source: 'coreos/scripts build_library/vm_image_util.sh (modes of OEM files)',
  },
  'insecure-key': {
    severity: 'warning',
    finds: "Vagrant's public insecure key",
    source: 'coreos/coreos-overlay coreos-base/oem-vagrant-key; hashicorp/vagrant keys/README.md',
  },
  'template-release': {
    severity: 'warning',
    finds: 'a template on a release that it is not made for',
    source: "the template's own distros",
  },
  'template-note': {
    severity: 'note',
    finds: 'which way a template goes on the release, and why',
    source: "the template's own notes",
  },
  'release-unknown': {
    severity: 'warning',
    finds: 'an image whose release is unknown, so that what depends on it goes unchecked',
    source: 'oem-bake',
  },
  'grub-cannot-read-ext': {
    severity: 'warning',
    finds: 'an ext filesystem where GRUB reads only btrfs and FAT on UEFI machines',
    source: 'flatcar/scripts build_library/grub_install.sh, 2024-11-18',
  },
  'vendor-files-stay': {
    severity: 'warning',
    finds: "another vendor's files beside the new ones",
    source: 'coreos/coreos-overlay coreos-base/oem-*',
  },
  'vendor-set-replaced': {
    severity: 'note',
    finds: "a vendor's files that are replaced as a whole",
    source: 'coreos/coreos-overlay coreos-base/oem-*',
  },
  'own-files-replaced': {
    severity: 'note',
    finds: 'files of an earlier bake that this one replaces or removes',
    source: 'oem-bake, the history on the OEM partition',
  },
  'own-file-edited': {
    severity: 'warning',
    finds: 'files of an earlier bake that somebody changed since, and whose change is lost',
    source: 'oem-bake, the history on the OEM partition',
  },
  'original-files-gone': {
    severity: 'warning',
    finds: "a vendor's files that an earlier bake took away, and that this one would leave",
    source: 'oem-bake, the history on the OEM partition',
  },
  'history-damaged': {
    severity: 'warning',
    finds: 'a history of earlier bakes that is damaged, or is none',
    source: 'oem-bake, the history on the OEM partition',
  },
  'remove-absent': { severity: 'warning', finds: 'a path to remove that is not there', source: 'oem-bake' },
  'variable-without-effect': {
    severity: 'warning',
    finds: 'a variable that only files of other releases use',
    source: "the template's own files",
  },
  'secret-readable': {
    severity: 'warning',
    finds: 'a secret, or what looks like a private key, a token or a password, in a file that every user can read',
    source: 'coreos/scripts build_library/vm_image_util.sh (modes of OEM files)',
  },
  'oem-nearly-full': {
    severity: 'warning',
    finds: 'an OEM partition with hardly any room left',
    source: 'flatcar/bootengine dracut/30ignition/ignition-kargs-helper',
  },
  'extension-room': {
    severity: 'warning',
    finds: 'too little room for the next version of the OEM extension beside the present one',
    source: UPDATER,
  },
  'update-vendor-extension': {
    severity: 'note',
    finds: "a vendor's ID, for which the next OS update fetches that vendor's extension",
    source: UPDATER,
  },
  'update-extension-id': {
    severity: 'warning',
    finds: 'an active OEM extension of another id than oem-release gives',
    source: UPDATER,
  },
  'update-id-changes': { severity: 'note', finds: 'another id in oem-release than before', source: UPDATER },
  'update-cleans': {
    severity: 'warning',
    finds: "files in folders that an OS update deletes because the id is a vendor's",
    source: 'flatcar/scripts usr/share/flatcar/oems',
  },
  'update-mark': {
    severity: 'warning',
    finds: 'an active-oem mark without an extension behind it, which blocks OS updates',
    source: UPDATER,
  },
})
