/**
 * What vendor images hold on the OEM partition, path for path, with contents in our own words.
 *
 * A bake has to recognise these sets and replace them, so names, modes and ids are upstream's. Sources: coreos/coreos-overlay
 * `coreos-base/oem-{ec2-compat,rackspace}`; flatcar/scripts `build_library/oem/` and `build_library/vm_image_util.sh`.
 */
import { vendorName } from './fat.js'
import type { ImagePlan, OemSet } from './options.js'
import { seededBytes } from './random.js'
import { directory, file, type TreeEntry } from './tree.js'

const SYSEXT_BYTES = { small: 64 * 1024, full: 4 * 1024 * 1024 } as const

export function oemTree(plan: ImagePlan): readonly TreeEntry[] {
  if (plan.oem === 'empty') return []
  if (plan.sysext) return sysextTree(plan, plan.oem)
  switch (plan.oem) {
    case 'openstack':
      return [grubCfg(plan, 'openstack'), oemRelease('openstack', 'OpenStack'), readme(), defaultIgnition('ec2-compat')]
    case 'ami':
      return [
        grubCfg(plan, 'ec2'),
        oemRelease('ami', 'Amazon EC2'),
        readme(),
        defaultIgnition('ec2-compat'),
        ignition('base/base.ign', [{ name: `${vendorName(plan)}-metadata-sshkeys@.service`, enabled: true }]),
      ]
    case 'rackspace':
      return rackspaceTree(plan)
  }
}

/** Flatcar since the OEM became a system extension: two small files, the extension, and the mark that it is in use. */
function sysextTree(plan: ImagePlan, oem: OemSet): readonly TreeEntry[] {
  const names = { openstack: 'OpenStack', ami: 'Amazon EC2' } as const
  return [
    grubCfg(plan, oem === 'ami' ? 'ec2' : oem),
    oemRelease(oem, oem === 'ami' ? names.ami : names.openstack),
    file(`sysext/oem-${oem}-${plan.release}.raw`, seededBytes(plan.seed, `sysext ${oem}`, SYSEXT_BYTES[plan.size])),
    file(`sysext/active-oem-${oem}`, ''),
  ]
}

/** The last generation that is configured by cloud-config; it never had an oem-release. */
function rackspaceTree(plan: ImagePlan): readonly TreeEntry[] {
  const script = (purpose: string) => `#!/bin/bash\n# ${purpose}\nset -e\nexit 0\n`
  return [
    grubCfg(plan, 'rackspace'),
    file(
      'cloud-config.yml',
      [
        '#cloud-config',
        '',
        'coreos:',
        '  units:',
        '    - name: nova-agent-auto.service',
        '      command: restart',
        '      runtime: yes',
        '      content: |',
        '        [Unit]',
        '        Description=Guest agent of the Rackspace hypervisor',
        '        [Service]',
        '        ExecStart=/usr/bin/chroot /usr/share/oem/nova-agent /usr/sbin/nova-agent -n',
        '    - name: nova-agent-watcher.service',
        '      command: restart',
        '      runtime: yes',
        '      content: |',
        '        [Unit]',
        '        Description=Waits for the guest agent to set the network up',
        '        [Service]',
        '        ExecStart=/usr/share/oem/bin/nova-agent-watcher',
        '  oem:',
        '    id: rackspace',
        '    name: Rackspace Cloud Servers',
        '    version-id: 0.0.4',
        '    home-url: https://www.example.com/rackspace',
        '    bug-report-url: https://www.example.com/bugs',
        '',
      ].join('\n'),
    ),
    file('bin/coreos-setup-environment', script('Waits for the addresses of eth0 and eth1'), 0o755),
    file('bin/nova-agent-watcher', script('Watches for the agent'), 0o755),
    directory('nova-agent/etc'),
    file('nova-agent/usr/sbin/nova-agent', script('Stands for the agent'), 0o755),
  ]
}

function grubCfg(plan: ImagePlan, oemId: string): TreeEntry {
  const append =
    oemId === 'ec2'
      ? ['set linux_append="modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295"']
      : plan.distro === 'flatcar' && oemId === 'openstack'
        ? ['set linux_append="flatcar.autologin"']
        : []
  return file('grub.cfg', ['# GRUB settings of this platform', '', `set oem_id="${oemId}"`, ...append, ''].join('\n'))
}

/** Five lines and nothing else: several readers evaluate each line as shell. */
function oemRelease(id: string, name: string): TreeEntry {
  return file(
    'oem-release',
    [
      `ID=${id}`,
      'VERSION_ID=0.1.0-r2',
      `NAME="${name}"`,
      `HOME_URL="https://www.example.com/${id}"`,
      'BUG_REPORT_URL="https://www.example.com/bugs"',
      '',
    ].join('\n'),
  )
}

function readme(): TreeEntry {
  return file(
    'base/README',
    'Ignition configs of the platform. base.ign comes before the user config; default.ign stands in when there is none.\n',
  )
}

/** Without a user config: run cloud-config from the metadata service, and keep the generic sources quiet. */
function defaultIgnition(source: string): TreeEntry {
  return ignition('base/default.ign', [
    {
      name: 'oem-cloudinit.service',
      enabled: true,
      contents: `[Unit]\nDescription=Cloud-config of the platform\n[Service]\nType=oneshot\nExecStart=/usr/bin/coreos-cloudinit --oem=${source}\n[Install]\nWantedBy=multi-user.target\n`,
    },
    { name: 'user-configdrive.service', mask: true },
    { name: 'user-configvirtfs.service', mask: true },
  ])
}

function ignition(path: string, units: readonly Readonly<Record<string, unknown>>[]): TreeEntry {
  return file(path, `${JSON.stringify({ ignition: { version: '2.1.0' }, systemd: { units } }, undefined, 2)}\n`)
}
