/** What the checks of the OEM grub.cfg find. */
import { defineRules } from '../finding.js'

const KARGS_HELPER = 'flatcar/bootengine dracut/30ignition/ignition-kargs-helper'
const GRUB_SCRIPT = 'coreos/grub grub-core/script, measured with grub-emu'
const VENDOR_GRUB_CFG = 'coreos/scripts and flatcar/scripts build_library/grub.cfg'

export const GRUB_RULES = defineRules('ERR_GRUB_CFG_INVALID', {
  'grub-syntax': {
    severity: 'error',
    finds: 'what GRUB rejects: the command around it does not run',
    source: GRUB_SCRIPT,
  },
  'grub-unknown-command': {
    severity: 'error',
    finds: 'a command that no GRUB has, often a mistyped assignment',
    source: 'GRUB manual, "The list of available commands"',
  },
  'grub-no-assignment': {
    severity: 'error',
    finds: 'a set that assigns nothing, such as set name = value',
    source: GRUB_SCRIPT,
  },
  'grub-byte-order-mark': {
    severity: 'error',
    finds: 'a byte order mark, which GRUB takes for the beginning of the first command',
    source: GRUB_SCRIPT,
  },
  'grub-cr': {
    severity: 'note',
    finds: 'carriage returns, which GRUB leaves out and other readers may not',
    source: 'coreos/grub grub-core/normal/main.c',
  },
  'grub-not-ascii': {
    severity: 'warning',
    finds: 'a character outside ASCII in a command',
    source: 'Linux Documentation/admin-guide/kernel-parameters.rst',
  },
  'grub-not-followed': {
    severity: 'note',
    finds: 'a command whose effect is not known before the machine runs',
    source: GRUB_SCRIPT,
  },
  'grub-core-command': {
    severity: 'warning',
    finds: 'a command that GRUB of UEFI machines has no module for since Flatcar 4186',
    source: 'coreos/scripts and flatcar/scripts build_library/grub_install.sh',
  },
  'grub-oem-id-differs': {
    severity: 'warning',
    finds: 'an oem_id that depends on the kind of machine',
    source: VENDOR_GRUB_CFG,
  },
  'grub-never-runs': {
    severity: 'warning',
    finds: 'a setting in a branch that no kind of machine takes',
    source: 'GRUB manual, "grub_cpu" and "grub_platform"',
  },
  'grub-platform-id': {
    severity: 'warning',
    finds: 'ignition.platform.id in linux_append, which does not choose the platform',
    source: 'coreos/bootengine and flatcar/bootengine dracut/30ignition',
  },
  'grub-append-oem-id': {
    severity: 'warning',
    finds: 'a coreos.oem.id or flatcar.oem.id in linux_append, beside the one that oem_id makes',
    source: VENDOR_GRUB_CFG,
  },
  'grub-append-overwrites': {
    severity: 'warning',
    finds: 'linux_append set without what it held before',
    source: VENDOR_GRUB_CFG,
  },
  'grub-append-form': {
    severity: 'warning',
    finds: "a linux_append in a form that Flatcar's kernel-arguments helper misreads",
    source: KARGS_HELPER,
  },
  'grub-last-line': {
    severity: 'warning',
    finds: "a last line without its newline, onto which Flatcar's kernel-arguments helper would write",
    source: KARGS_HELPER,
  },
  'grub-quotes': {
    severity: 'warning',
    finds: 'quotes or backslashes that do not reach the kernel as they are',
    source: 'coreos/grub grub-core/lib/cmdline.c',
  },
  'grub-no-console': {
    severity: 'warning',
    finds: 'a linux_console without any console=, which takes both default consoles away',
    source: VENDOR_GRUB_CFG,
  },
  'grub-console-form': {
    severity: 'warning',
    finds: 'a console= that names no device that Linux has',
    source: 'Linux Documentation/admin-guide/serial-console.rst and devices.txt',
  },
  'grub-autologin': {
    severity: 'warning',
    finds: 'a login without a password on every console',
    source: 'flatcar/scripts build_library/oem',
  },
  'grub-first-boot': {
    severity: 'warning',
    finds: 'a first_boot that makes every boot a first boot',
    source: VENDOR_GRUB_CFG,
  },
})
