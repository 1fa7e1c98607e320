/**
 * OEM partitions in the shape of the vendors' packages, in our own words: which files there are, which units they start, and
 * what those run. Sources: coreos/coreos-overlay coreos-base/oem-*, flatcar/scripts build_library/oem/*.
 */
import type { TreeFiles } from './boot-tree.js'

const grub = (id: string, more = ''): TreeFiles => ({ '/grub.cfg': `# OEM\nset oem_id="${id}"\n${more}` })

const unit = (command: string) =>
  `[Unit]\nDescription=x\n\n[Service]\nType=oneshot\nExecStart=${command}\n\n[Install]\nWantedBy=multi-user.target\n`

interface UnitJson {
  readonly name: string
  readonly enabled?: boolean
  readonly mask?: boolean
  readonly contents?: string
}

export const ignition = (units: readonly UnitJson[], version = '2.1.0', more: object = {}): string =>
  JSON.stringify({ ignition: { version }, systemd: { units }, ...more })

const SSH_KEYS: UnitJson = { name: 'coreos-metadata-sshkeys@.service', enabled: true }
const MASKED: readonly UnitJson[] = ['user-configdrive.service', 'user-configvirtfs.service'].map((name) => ({
  name,
  mask: true,
}))
const cloudinit = (preset: string): UnitJson => ({
  name: 'oem-cloudinit.service',
  enabled: true,
  contents: unit(`/usr/bin/coreos-cloudinit --oem=${preset}`),
})
/** A unit that stands on the partition and is copied from there. */
const copied = (name: string) => ({
  storage: {
    files: [
      {
        filesystem: 'root',
        path: `/etc/systemd/system/${name}`,
        mode: 292,
        contents: { source: `oem:///units/${name}` },
      },
    ],
  },
})

const cloudConfig = (id: string, units: string): TreeFiles => ({
  '/cloud-config.yml': `#cloud-config\ncoreos:\n  oem:\n    id: ${id}\n    name: ${id}\n    version_id: "1"\n  units:\n${units}`,
})
const startedUnit = (name: string, command: string): string =>
  `    - name: ${name}\n      command: restart\n      runtime: yes\n      content: |\n        [Service]\n        Type=oneshot\n        ExecStart=${command}\n`

export const EC2: TreeFiles = {
  ...grub(
    'ec2',
    'set linux_append="$linux_append modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295"\nif [ "$grub_platform" = pc ]; then\n    set linux_console="console=ttyS0,115200n8"\n    serial com0 --speed=115200 --word=8 --parity=no\n    terminal_input serial_com0\n    terminal_output serial_com0\nfi\n',
  ),
  '/oem-release': 'ID=ami\nVERSION_ID=1\nNAME="Amazon EC2"\n',
  '/base/base.ign': ignition([SSH_KEYS]),
  '/base/default.ign': ignition([...MASKED, cloudinit('ec2-compat')]),
}

/** Before nvme_core.io_timeout, 2019-04-30. */
export const EC2_2017: TreeFiles = { '/grub.cfg': `${EC2['/grub.cfg']}`.replace(/ nvme_core[^"]*/, '') }

export const EC2_OLD: TreeFiles = {
  ...grub('ec2'),
  ...cloudConfig('ami', startedUnit('oem-cloudinit.service', '/usr/bin/coreos-cloudinit --oem=ec2-compat')),
}

export const OPENSTACK: TreeFiles = {
  ...grub('openstack'),
  '/oem-release': 'ID=openstack\nVERSION_ID=1\nNAME="OpenStack"\n',
  '/base/default.ign': ignition([...MASKED, cloudinit('ec2-compat')]),
}

export const RACKSPACE: TreeFiles = {
  ...grub('rackspace'),
  ...cloudConfig(
    'rackspace',
    startedUnit(
      'nova-agent-auto.service',
      '/usr/bin/chroot /usr/share/oem/nova-agent /usr/share/nova-agent/0.0.1/sbin/nova-agent',
    ),
  ),
  '/bin/coreos-setup-environment': { text: '#!/bin/bash\n', mode: 0o755 },
  '/nova-agent/etc/hosts': '',
}

export const DIGITALOCEAN: TreeFiles = {
  ...grub('digitalocean'),
  '/oem-release': 'ID=digitalocean\nVERSION_ID=1\nNAME="DigitalOcean"\n',
  '/base/base.ign': ignition([SSH_KEYS]),
  '/base/default.ign': ignition([cloudinit('digitalocean')]),
}

export const PACKET: TreeFiles = {
  ...grub('packet', 'set linux_append="coreos.autologin"\n'),
  '/oem-release': 'ID=packet\nVERSION_ID=1\nNAME="Packet"\n',
  '/base/base.ign': ignition(
    [SSH_KEYS, { name: 'packet-phone-home.service', enabled: true }],
    '2.1.0',
    copied('packet-phone-home.service'),
  ),
  '/base/default.ign': ignition([cloudinit('packet')]),
  '/units/packet-phone-home.service': unit('/usr/bin/curl https://metadata.packet.net/phone-home'),
}

export const AZURE: TreeFiles = {
  ...grub('azure', 'set linux_console="console=ttyS0,115200n8 earlyprintk=ttyS0,115200"\n'),
  '/oem-release': 'ID=azure\nVERSION_ID=1\nNAME="Microsoft Azure"\n',
  '/base/base.ign': ignition([{ name: 'waagent.service', enabled: true }], '2.1.0', copied('waagent.service')),
  '/base/default.ign': ignition([cloudinit('azure')]),
  '/units/waagent.service': unit('/usr/share/oem/python/bin/python /usr/share/oem/bin/waagent -daemon'),
  '/python/bin/python': { text: 'elf', mode: 0o755 },
  '/bin/waagent': { text: '#!/usr/bin/env python\n', mode: 0o755 },
}

export const CLOUDSTACK: TreeFiles = {
  ...grub('cloudstack'),
  ...cloudConfig(
    'cloudstack',
    startedUnit('cloudstack-ssh-key.service', '/usr/share/oem/bin/cloudstack-ssh-key') +
      startedUnit('cloudstack-cloudinit.service', '/usr/share/oem/bin/cloudstack-coreos-cloudinit'),
  ),
  '/bin/cloudstack-ssh-key': { text: '#!/bin/bash\ncurl x\n', mode: 0o755 },
  '/bin/cloudstack-coreos-cloudinit': {
    text: '#!/bin/bash\n# runs coreos-cloudinit when the server is known\nurl=$(cat /run/x)\ncoreos-cloudinit --from-url="$url/latest/user-data"\n',
    mode: 0o755,
  },
}

export const CLOUDSIGMA: TreeFiles = {
  ...grub('cloudsigma'),
  ...cloudConfig('cloudsigma', startedUnit('oem-cloudinit.service', '/usr/bin/coreos-cloudinit --oem=cloudsigma')),
}

export const VAGRANT: TreeFiles = {
  ...grub('vagrant'),
  ...cloudConfig(
    'vagrant',
    '    - name: user-cloudinit@var-lib-coreos\\x2dvagrant-vagrantfile\\x2duser\\x2ddata.path\n      command: start\n',
  ),
}

/** Nothing but an id. */
export const ID_ONLY = grub

/** Flatcar today: an id, an ID and an extension. */
export const FLATCAR_AMI: TreeFiles = {
  ...grub('ec2', 'set linux_append="flatcar.autologin"\n'),
  '/oem-release': 'ID=ami\nVERSION_ID=4722.0.0\nNAME="Amazon EC2"\n',
  '/sysext/active-oem-ami': '',
  '/sysext/oem-ami-4722.0.0.raw': 'raw',
}
