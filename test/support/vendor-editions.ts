/**
 * What vendors' own images hold on the OEM partition, in the eras that differ: names, modes, ids and kinds of content are
 * upstream's, every word is ours. They are good by definition: a check that finds something grave in one is wrong.
 *
 * Sources: coreos/coreos-overlay coreos-base/oem-* (2020-05); flatcar/coreos-overlay and flatcar/scripts coreos-base/oem-*
 * and common-oem-files; flatcar/scripts build_library/oem and build_library/vm_image_util.sh.
 */
import type { Node } from './rule-examples.js'

export type Tree = Readonly<Record<string, Node>>

export interface VendorEdition {
  readonly vendor: string
  /** As for --release. */
  readonly release: string
  readonly tree: Tree
}

interface Era {
  readonly release: string
  readonly flatcar: boolean
  /** Spec of the vendors' base configs. */
  readonly spec: string
  /** base/default.ign is read. */
  readonly hasDefault: boolean
  /** coreos-cloudinit reads keys with hyphens. */
  readonly hyphens: boolean
}

const ERAS = {
  'CL 2512': { release: 'container-linux:2512.3.0', flatcar: false, spec: '2.1.0', hasDefault: true, hyphens: true },
  'FL 2605': { release: 'flatcar:2605.12.0', flatcar: true, spec: '2.1.0', hasDefault: true, hyphens: true },
  'FL 3033': { release: 'flatcar:3033.2.4', flatcar: true, spec: '2.1.0', hasDefault: true, hyphens: true },
  'FL 3510': { release: 'flatcar:3510.2.8', flatcar: true, spec: '2.1.0', hasDefault: false, hyphens: true },
  'FL 3975': { release: 'flatcar:3975.2.0', flatcar: true, spec: '3.3.0', hasDefault: false, hyphens: false },
  'FL 4459': { release: 'flatcar:4459.2.0', flatcar: true, spec: '3.3.0', hasDefault: false, hyphens: false },
  'FL 4722': { release: 'flatcar:4722.0.0', flatcar: true, spec: '3.3.0', hasDefault: false, hyphens: false },
} as const satisfies Readonly<Record<string, Era>>

const script = (purpose: string): Node => ({ content: `#!/bin/bash\n# ${purpose}\nset -e\nexit 0\n`, mode: 0o755 })
const binary = (name: string): Node => ({ content: Buffer.from(`\u007fELF\0stands for ${name}\0`), mode: 0o755 })
const library = (name: string): Node => ({ content: Buffer.from(`\u007fELF\0stands for ${name}\0`), mode: 0o644 })

const SERIAL = `    serial --unit=0 --speed=115200 --word=8 --parity=no
    terminal_input serial
    terminal_output serial
`

function grubCfg(id: string, ...lines: readonly string[]): Node {
  return `# Settings of this platform for GRUB\n\nset oem_id="${id}"\n${lines.map((line) => `${line}\n`).join('')}`
}

function autologin({ flatcar }: Era): readonly string[] {
  return flatcar ? ['', '# Log in on the consoles without a password', 'set linux_append="flatcar.autologin"'] : []
}

function oemRelease(id: string, name: string, homeUrl = true): Node {
  const home = homeUrl ? [`HOME_URL="https://${id}.example/"`] : []
  const lines = [`ID=${id}`, 'VERSION_ID=0.1.0-r2', `NAME="${name}"`, ...home, 'BUG_REPORT_URL="https://bugs.example/"']
  return `${lines.join('\n')}\n`
}

/** A cloud-config as the vendors write them, with its stanza about the vendor last. */
function cloudConfig(era: Era, id: string, name: string, body: string): Node {
  const key = (words: string) => (era.hyphens ? words : words.replaceAll('-', '_'))
  return `#cloud-config

coreos:
${body}  oem:
    id: ${id}
    name: ${name}
    ${key('version-id')}: 0.1.0
    ${key('home-url')}: https://${id}.example/
    ${key('bug-report-url')}: https://bugs.example/
`
}

interface Unit {
  readonly name: string
  readonly enabled?: boolean
  readonly mask?: boolean
  readonly contents?: string
}

function ignition(era: Era, units: readonly Unit[], files: readonly string[] = []): Node {
  const fields = {
    ignition: { version: era.spec },
    ...(files.length === 0
      ? {}
      : {
          storage: {
            files: files.map((name) => ({
              ...(era.spec.startsWith('2.') ? { filesystem: 'root' } : {}),
              path: `/etc/systemd/system/${name}`,
              contents: { source: `oem:///units/${name}` },
              mode: 292,
            })),
          },
        }),
    systemd: { units },
  }
  return `${JSON.stringify(fields, undefined, 2)}\n`
}

const README: Node = 'What is here is read by Ignition on the first boot.\n'
const cloudinit = (preset: string): readonly Unit[] => [
  {
    name: 'oem-cloudinit.service',
    enabled: true,
    contents: `[Unit]
Description=Cloudinit from the platform's metadata
Requires=coreos-setup-environment.service
After=coreos-setup-environment.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/coreos-cloudinit --oem=${preset}

[Install]
WantedBy=multi-user.target
`,
  },
  { name: 'user-configdrive.service', mask: true },
  { name: 'user-configvirtfs.service', mask: true },
]

const serviceUnit = (what: string, exec: string): string =>
  `[Unit]\nDescription=${what}\n\n[Service]\nExecStart=${exec}\n\n[Install]\nWantedBy=multi-user.target\n`

/** A vendor whose files are Ignition configs: base for everybody, default for those without a config. */
function ignitionVendor(
  era: Era,
  grub: Node,
  release: Node,
  preset: string | undefined,
  more: Tree & { readonly '/base/base.ign'?: Node } = {},
): Tree {
  return {
    '/grub.cfg': grub,
    '/oem-release': release,
    '/base': null,
    '/base/README': README,
    ...(preset === undefined || !era.hasDefault ? {} : { '/base/default.ign': ignition(era, cloudinit(preset)) }),
    ...more,
  }
}

function withSshKeys(era: Era, id: string, files: readonly string[] = []): Node {
  const metadata = `${era.flatcar ? 'coreos' : 'coreos'}-metadata-sshkeys@.service`
  const units = files.map((name): Unit => ({ name, enabled: true }))
  return ignition(
    era,
    [...(id === 'azure' || id === 'vmware' ? [] : [{ name: metadata, enabled: true }]), ...units],
    files,
  )
}

function setupEnvironment({ flatcar }: Era): Tree {
  const name = flatcar ? 'flatcar' : 'coreos'
  return { '/bin': null, [`/bin/${name}-setup-environment`]: script('Waits for the addresses of the machine') }
}

function ami(era: Era): Tree {
  const append = 'modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295'
  const grub = grubCfg(
    'ec2',
    '',
    'if [ "$grub_platform" = pc ]; then',
    '    set linux_console="console=ttyS0,115200n8"',
    SERIAL.trimEnd(),
    'fi',
    '',
    `set linux_append="${append}"`,
  )
  return ignitionVendor(era, grub, oemRelease('ami', 'Amazon EC2'), 'ec2-compat', {
    '/base/base.ign': withSshKeys(era, 'ami'),
  })
}

function azure(era: Era): Tree {
  const console = era.flatcar ? 'console=tty1 console=ttyS0,115200n8' : 'console=ttyS0,115200n8'
  const grub = grubCfg(
    'azure',
    '',
    `set linux_console="${console} earlyprintk=ttyS0,115200"`,
    SERIAL.replaceAll(/^ {4}/gm, '').trimEnd(),
    ...autologin(era),
  )
  return ignitionVendor(era, grub, oemRelease('azure', 'Microsoft Azure'), 'azure', {
    '/base/base.ign': withSshKeys(era, 'azure', ['waagent.service']),
    '/units': null,
    '/units/waagent.service': serviceUnit('Agent of Azure', '/usr/share/oem/bin/waagent -daemon'),
    '/waagent.conf': 'Provisioning.Enabled=y\nProvisioning.DeleteRootPassword=n\nResourceDisk.Format=n\n',
    '/bin': null,
    '/bin/waagent': { content: '#!/usr/share/oem/python/bin/python\nprint("agent")\n', mode: 0o755 },
    '/python': null,
    '/python/bin': null,
    '/python/bin/python': binary('python'),
  })
}

function gce(era: Era): Tree {
  const grub = grubCfg(
    'gce',
    '',
    'set linux_console="console=ttyS0,115200n8"',
    SERIAL.replaceAll(/^ {4}/gm, '').trimEnd(),
  )
  return ignitionVendor(era, grub, oemRelease('gce', 'Google Compute Engine'), 'gce', {
    '/base/base.ign': withSshKeys(era, 'gce', ['oem-gce.service', 'oem-gce-enable-oslogin.service']),
    '/units': null,
    '/units/oem-gce.service': serviceUnit('Agent of GCE', '/usr/bin/true'),
    '/units/oem-gce-enable-oslogin.service': serviceUnit('OS Login', '/usr/share/oem/bin/enable-oslogin'),
    '/bin': null,
    '/bin/enable-oslogin': script('Turns OS Login on'),
    '/files': null,
    '/files/hosts': '127.0.0.1 localhost\n169.254.169.254 metadata.google.internal metadata\n',
    '/files/google-cloud-sdk.sh': '# Puts the tools of the SDK into reach\nalias gcloud="true"\n',
    [`/${era.flatcar ? 'flatcar' : 'coreos'}-oem-gce.aci`]: library('the agent'),
  })
}

function vmware(era: Era): Tree {
  return ignitionVendor(era, grubCfg('vmware', ...autologin(era)), oemRelease('vmware', 'VMware'), 'vmware', {
    '/base/base.ign': withSshKeys(era, 'vmware', ['vmtoolsd.service']),
    '/units': null,
    '/units/vmtoolsd.service': serviceUnit('Tools of VMware', '/usr/share/oem/bin/vmtoolsd'),
    '/bin': null,
    '/bin/vmtoolsd': binary('vmtoolsd'),
    '/lib64': null,
    '/lib64/libvmtools.so.0': library('libvmtools'),
    '/vmware-tools': null,
    '/vmware-tools/tools.conf': '[logging]\nlog=true\n',
  })
}

function packet(era: Era): Tree {
  const grub = grubCfg(
    'packet',
    '',
    'if [ "$grub_cpu" = i386 ]; then',
    '    set linux_console="console=tty0 console=ttyS1,115200n8"',
    '    set gfxpayload="1024x768x8,1024x768"',
    'fi',
    `set linux_append="${era.flatcar ? 'flatcar' : 'coreos'}.autologin"`,
  )
  return ignitionVendor(era, grub, oemRelease('packet', 'Packet'), 'packet', {
    '/base/base.ign': withSshKeys(era, 'packet', ['packet-phone-home.service']),
    '/units': null,
    '/units/packet-phone-home.service': serviceUnit(
      'Tells Packet that it is up',
      '/usr/bin/curl -sS https://p.example/',
    ),
  })
}

function rackspace(era: Era): Tree {
  return {
    '/grub.cfg': grubCfg('rackspace'),
    '/cloud-config.yml': cloudConfig(
      era,
      'rackspace',
      'Rackspace Cloud Servers',
      `  units:
    - name: nova-agent-auto.service
      command: restart
      runtime: yes
      content: |
        [Unit]
        Description=Agent of the hypervisor

        [Service]
        Type=forking
        ExecStartPre=-/usr/bin/mount -t proc none /usr/share/oem/nova-agent/proc
        ExecStart=/usr/bin/chroot /usr/share/oem/nova-agent /usr/sbin/nova-agent
    - name: nova-agent-watcher.service
      command: restart
      runtime: yes
      content: |
        [Unit]
        Description=Watches what the agent writes

        [Service]
        ExecStart=/usr/share/oem/bin/nova-agent-watcher
`,
    ),
    ...setupEnvironment(era),
    '/bin/nova-agent-watcher': script('Watches what the agent writes'),
    '/nova-agent': null,
    '/nova-agent/usr': null,
    '/nova-agent/usr/sbin': null,
    '/nova-agent/usr/sbin/nova-agent': binary('nova-agent'),
  }
}

function onmetal(era: Era): Tree {
  return {
    '/grub.cfg': grubCfg(
      'rackspace-onmetal',
      '',
      'set timeout=15',
      'set linux_console="console=ttyS4,115200n8 8250.nr_uarts=5"',
      'set linux_append="modprobe.blacklist=mei_me net.ifnames=0"',
    ),
    '/cloud-config.yml': cloudConfig(
      era,
      'onmetal',
      'Rackspace OnMetal',
      `  units:
    - name: user-configdrive.service.d/onmetal.conf
      runtime: yes
      content: |
        [Service]
        ExecStart=
        ExecStart=/usr/bin/coreos-cloudinit --oem=rackspace-onmetal
    - name: ping-out.service
      runtime: yes
      enable: yes
      content: |
        [Unit]
        Description=Makes the switch learn the address
        After=user-config.target

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/bin/sh -c "ping -c 1 $(ip route | awk '/default/ { print $3 }')"

        [Install]
        WantedBy=user-config.target
    - name: media-configdrive.mount
      command: start
      runtime: yes
      content: |
        [Unit]
        Before=user-configdrive.service

        [Mount]
        What=/dev/disk/by-label/config-2
        Where=/media/configdrive
        Options=ro
`,
    ),
  }
}

/** cloudstack and exoscale: a metadata service that DHCP tells the address of. */
function dhcpVendor(era: Era, id: string, name: string): Tree {
  return {
    '/grub.cfg': grubCfg(id),
    '/cloud-config.yml': cloudConfig(
      era,
      id,
      name,
      `  units:
    - name: ${id}-ssh-key.service
      command: restart
      runtime: yes
      content: |
        [Unit]
        Description=Sets the SSH key from the metadata
        Requires=${era.flatcar ? 'flatcar' : 'coreos'}-setup-environment.service

        [Service]
        Type=oneshot
        StandardOutput=journal+console
        ExecStart=/usr/share/oem/bin/${id}-ssh-key
    - name: ${id}-cloudinit.service
      command: restart
      runtime: yes
      content: |
        [Unit]
        Description=Cloudinit from the metadata
        Requires=${era.flatcar ? 'flatcar' : 'coreos'}-setup-environment.service

        [Service]
        Type=oneshot
        EnvironmentFile=/etc/environment
        ExecStart=/usr/share/oem/bin/${id}-coreos-cloudinit
`,
    ),
    ...setupEnvironment(era),
    [`/bin/${id}-dhcp`]: script('Prints the address of the DHCP server'),
    [`/bin/${id}-ssh-key`]: script('Fetches the key'),
    [`/bin/${id}-coreos-cloudinit`]: script('Fetches user data and runs cloudinit on it'),
  }
}

/** interoute and niftycloud, with open-vm-tools beside their scripts. */
function vmwareGuest(era: Era, id: string, name: string): Tree {
  return {
    '/grub.cfg': grubCfg(id),
    '/cloud-config.yml': cloudConfig(
      era,
      id,
      name,
      `  units:
    - name: vmtoolsd.service
      command: start
      runtime: yes
      content: |
        [Unit]
        Description=Tools of VMware

        [Service]
        Environment=LD_LIBRARY_PATH=/usr/share/oem/lib64
        ExecStart=/usr/share/oem/bin/vmtoolsd
        TimeoutStopSec=5
`,
    ),
    ...setupEnvironment(era),
    '/bin/vmtoolsd': binary('vmtoolsd'),
    '/lib64': null,
    '/lib64/libvmtools.so.0': library('libvmtools'),
  }
}

function cloudsigma(era: Era): Tree {
  return {
    '/grub.cfg': grubCfg('cloudsigma'),
    '/cloud-config.yml': cloudConfig(
      era,
      'cloudsigma',
      'CloudSigma',
      `  units:
    - name: oem-cloudinit.service
      command: restart
      runtime: yes
      content: |
        [Unit]
        Description=Cloudinit from the server context
        Requires=${era.flatcar ? 'flatcar' : 'coreos'}-setup-environment.service

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/bin/coreos-cloudinit --oem=cloudsigma
`,
    ),
  }
}

const INSECURE_KEY =
  'ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8+v1I2YJ6oXevct1YeS0o9HZyN1Q9qgCgzUFtdOKLv6IedplqoPkcmF0aYet2PkEDo3MlTBckFXPITAMzF8dJSIFo9D8HfdOV0IAdx4O7PtixWKn5y2hMNG0zQPyUecp4pzC6kivAIhyfHilFR61RGL+GPQ2MWZWFYbAGjyiYJnAmCP3NOTd0jMZEnDkbUvxhMmBYSdETk1rRgm+R4LOzFUGaHqHDLKLX+FIPKcF96hrucXzcWyLbIbEgE98OHlnVYCzRdK8jlqm8tehUc9c9WhQ== insecure'

function vagrant(era: Era): Tree {
  return {
    '/grub.cfg': grubCfg('vagrant'),
    '/cloud-config.yml': `${cloudConfig(
      era,
      'vagrant',
      'Vagrant',
      `  units:
    - name: coreos-vagrant.path
      command: start
      runtime: yes
      content: |
        [Path]
        PathExists=/var/lib/coreos-vagrant/vagrantfile-user-data
        Unit=user-cloudinit@var-lib-coreos\\x2dvagrant-vagrantfile\\x2duser\\x2ddata.service
`,
    )}ssh_authorized_keys:\n  - ${INSECURE_KEY}\n`,
    ...setupEnvironment(era),
  }
}

const idOnly = (id: string, name: string, homeUrl = true): Tree => ({
  '/grub.cfg': grubCfg(id),
  '/oem-release': oemRelease(id, name, homeUrl),
})

/** A release whose vendor is a system extension: two small files, the extension, and the mark that it is in use. */
function extension(era: Era, id: string, name: string, oemId = id, grub: readonly string[] = []): Tree {
  const version = era.release.slice(era.release.indexOf(':') + 1)
  return {
    '/grub.cfg': grubCfg(oemId, ...grub),
    '/oem-release': oemRelease(id, name),
    '/sysext': null,
    [`/sysext/oem-${id}-${version}.raw`]: Buffer.alloc(64 << 10, 1),
    [`/sysext/active-oem-${id}`]: '',
  }
}

/** The packages of Container Linux, which Flatcar had until it moved each to an extension. */
function packages(era: Era): Readonly<Record<string, Tree>> {
  return {
    ami: ami(era),
    openstack: ignitionVendor(
      era,
      grubCfg('openstack', ...autologin(era)),
      oemRelease('openstack', 'OpenStack'),
      'ec2-compat',
    ),
    brightbox: ignitionVendor(era, grubCfg('brightbox'), oemRelease('brightbox', 'Brightbox'), 'ec2-compat'),
    rackspace: rackspace(era),
    'rackspace-onmetal': onmetal(era),
    digitalocean: ignitionVendor(
      era,
      grubCfg('digitalocean'),
      oemRelease('digitalocean', 'DigitalOcean'),
      'digitalocean',
      { '/base/base.ign': withSshKeys(era, 'digitalocean') },
    ),
    gce: gce(era),
    azure: azure(era),
    hyperv: idOnly('hyperv', 'Microsoft Hyper-V', false),
    vmware: vmware(era),
    packet: packet(era),
    cloudstack: dhcpVendor(era, 'cloudstack', 'CloudStack'),
    exoscale: dhcpVendor(era, 'exoscale', 'Exoscale'),
    interoute: vmwareGuest(era, 'interoute', 'Interoute'),
    niftycloud: vmwareGuest(era, 'niftycloud', 'NIFTY Cloud'),
    cloudsigma: cloudsigma(era),
    vagrant: vagrant(era),
    virtualbox: idOnly('virtualbox', 'VirtualBox', false),
  }
}

const PC_CONSOLE = (console: string): readonly string[] => ['', `set linux_console="${console}"`]

/** Vendors by the release that made them an extension; `ids` of those before stay. */
function extensions(era: Era): Readonly<Record<string, Tree>> {
  const login = autologin(era)
  return {
    azure: extension(era, 'azure', 'Microsoft Azure', 'azure', [
      ...PC_CONSOLE('console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0,115200'),
      ...SERIAL.replaceAll(/^ {4}/gm, '').trimEnd().split('\n'),
      ...login,
    ]),
    qemu: extension(era, 'qemu', 'QEMU', 'qemu', login),
    ami: extension(era, 'ami', 'Amazon EC2', 'ec2', [
      '',
      'if [ "$grub_platform" = pc ]; then',
      '    set linux_console="console=ttyS0,115200n8"',
      ...SERIAL.trimEnd().split('\n'),
      'fi',
      'if [ "$grub_cpu" = arm64 ]; then',
      '    set linux_console="console=tty1 console=ttyS0,115200n8 earlycon"',
      'fi',
      'set linux_append="modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295"',
    ]),
    vmware: extension(era, 'vmware', 'VMware', 'vmware', login),
    digitalocean: extension(era, 'digitalocean', 'DigitalOcean'),
    openstack: extension(era, 'openstack', 'OpenStack', 'openstack', login),
    gce: extension(era, 'gce', 'Google Compute Engine', 'gce', PC_CONSOLE('console=ttyS0,115200n8')),
    scaleway: extension(
      era,
      'scaleway',
      'Scaleway',
      'scaleway',
      PC_CONSOLE('console=ttyS0,115200n8 earlycon=ttyS0,115200'),
    ),
    hetzner: extension(era, 'hetzner', 'Hetzner Cloud'),
    kubevirt: extension(era, 'kubevirt', 'KubeVirt'),
  }
}

const pick = (trees: Readonly<Record<string, Tree>>, names: string): Readonly<Record<string, Tree>> =>
  Object.fromEntries(names.split(' ').map((name) => [name, trees[name] ?? {}]))

function treesOf(name: keyof typeof ERAS): Readonly<Record<string, Tree>> {
  const era: Era = ERAS[name]
  const old = packages(era)
  const qemu = { qemu: { '/grub.cfg': grubCfg('qemu', ...autologin(era)), '/oem-release': oemRelease('qemu', 'QEMU') } }
  const later = {
    akamai: extension(era, 'akamai', 'Akamai'),
    proxmoxve: extension(era, 'proxmoxve', 'Proxmox VE', 'proxmoxve', autologin(era)),
    nutanix: extension(era, 'nutanix', 'Nutanix'),
    stackit: extension(era, 'stackit', 'STACKIT', 'openstack'),
    hyperv: extension(era, 'hyperv', 'Microsoft Hyper-V'),
  }
  switch (name) {
    case 'CL 2512':
      return { ...old, 'vagrant-virtualbox': { '/grub.cfg': grubCfg('vagrant-virtualbox') } }
    case 'FL 2605':
    case 'FL 3033':
    case 'FL 3510':
      return { ...old, ...qemu }
    case 'FL 3975':
      return {
        ...pick(old, 'rackspace rackspace-onmetal hyperv cloudstack exoscale cloudsigma vagrant virtualbox'),
        ...extensions(era),
        packet: extension(era, 'packet', 'Equinix Metal', 'packet', [
          '',
          'if [ "$grub_cpu" = i386 -o "$grub_cpu" = x86_64 ]; then',
          '    set linux_console="console=tty0 console=ttyS1,115200n8"',
          'fi',
          'set linux_append="flatcar.autologin"',
        ]),
      }
    case 'FL 4459':
      return {
        ...pick(old, 'rackspace rackspace-onmetal cloudstack exoscale cloudsigma vagrant virtualbox'),
        ...extensions(era),
        ...later,
      }
    case 'FL 4722':
      return {
        ...extensions(era),
        ...later,
        ...Object.fromEntries(
          ['oraclecloud', 'virtualbox', 'cloudsigma', 'cloudstack', 'exoscale', 'vagrant'].map((id) => [
            id,
            extension(era, id, `The cloud ${id}`),
          ]),
        ),
      }
  }
}

export const VENDOR_EDITIONS: readonly VendorEdition[] = (Object.keys(ERAS) as (keyof typeof ERAS)[]).flatMap((name) =>
  Object.entries(treesOf(name)).map(([vendor, tree]) => ({ vendor, release: ERAS[name].release, tree })),
)
