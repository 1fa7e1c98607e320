/** What a machine does at boot with trees in the vendors' shapes, release by release: claims that the sources can be asked about. */
import { describe, expect, it } from 'vitest'
import { explainBoot } from '#src/oem/explain/explain.js'
import type { UserDataBy } from '#src/oem/explain/explanation.js'
import { bootTree, explained, type TreeFiles } from '../../support/boot-tree.js'
import {
  AZURE,
  CLOUDSIGMA,
  CLOUDSTACK,
  DIGITALOCEAN,
  EC2,
  EC2_2017,
  EC2_OLD,
  FLATCAR_AMI,
  ID_ONLY,
  ignition,
  OPENSTACK,
  PACKET,
  RACKSPACE,
  VAGRANT,
} from '../../support/vendor-trees.js'

const CL = 'container-linux:2512.3.0'
const CL_1520 = 'container-linux:1520.8.0'
const CL_1010 = 'container-linux:1010.5.0'
const FL_3033 = 'flatcar:3033.2.4'
const FL_3227 = 'flatcar:3227.2.0'
const FL_3510 = 'flatcar:3510.2.8'
const FL_4722 = 'flatcar:4722.0.0'

interface Row {
  readonly name: string
  readonly tree: TreeFiles
  readonly release: string
  readonly platform: string | undefined
  /** Who gets user data that is an Ignition config, and who a cloud-config. */
  readonly ignition: UserDataBy
  readonly cloud: UserDataBy
  readonly unit?: string
  readonly keys?: string | undefined
}

const SSH = 'coreos-metadata-sshkeys@core.service'
const CLOUDINIT = 'oem-cloudinit.service'
const DRIVE = 'user-configdrive.service'

const ROWS: readonly Row[] = [
  {
    name: 'ec2',
    tree: EC2,
    release: CL,
    platform: 'ec2',
    ignition: 'ignition',
    cloud: 'default.ign',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'ec2',
    tree: EC2,
    release: FL_3033,
    platform: 'ec2',
    ignition: 'ignition',
    cloud: 'default.ign',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'ec2',
    tree: EC2,
    release: FL_3510,
    platform: 'aws',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'ec2',
    tree: FLATCAR_AMI,
    release: FL_4722,
    platform: 'aws',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
    keys: SSH,
  },
  // Ignition's own default config, then the files of the partition which it does not read.
  {
    name: 'ec2',
    tree: EC2,
    release: CL_1520,
    platform: 'ec2',
    ignition: 'ignition',
    cloud: 'ignition-default',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'ec2 before Ignition had defaults',
    tree: EC2,
    release: CL_1010,
    platform: 'ec2',
    ignition: 'ignition',
    cloud: 'nobody',
    keys: undefined,
  },
  {
    name: 'ec2 with a cloud-config',
    tree: EC2_OLD,
    release: CL_1010,
    platform: 'ec2',
    ignition: 'ignition',
    cloud: 'cloud-config',
    unit: CLOUDINIT,
  },
  {
    name: 'ec2 with a cloud-config',
    tree: EC2_OLD,
    release: FL_4722,
    platform: 'aws',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
  },
  {
    name: 'openstack',
    tree: OPENSTACK,
    release: CL,
    platform: 'openstack',
    ignition: 'ignition',
    cloud: 'default.ign',
    unit: CLOUDINIT,
    keys: undefined,
  },
  // Flatcar's unit came to openstack only in July 2022.
  {
    name: 'openstack',
    tree: OPENSTACK,
    release: FL_3227,
    platform: 'openstack',
    ignition: 'ignition',
    cloud: 'user-configdrive',
    unit: DRIVE,
    keys: SSH,
  },
  {
    name: 'openstack',
    tree: OPENSTACK,
    release: FL_3510,
    platform: 'openstack',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'rackspace',
    tree: RACKSPACE,
    release: CL,
    platform: 'rackspace',
    ignition: 'nobody',
    cloud: 'user-configdrive',
    unit: DRIVE,
  },
  {
    name: 'rackspace',
    tree: RACKSPACE,
    release: CL_1010,
    platform: 'rackspace',
    ignition: 'nobody',
    cloud: 'user-configdrive',
    unit: DRIVE,
  },
  {
    name: 'rackspace',
    tree: RACKSPACE,
    release: FL_3510,
    platform: 'rackspace',
    ignition: 'nobody',
    cloud: 'user-configdrive',
    unit: DRIVE,
  },
  {
    name: 'rackspace, unknown to that Ignition',
    tree: RACKSPACE,
    release: FL_3227,
    platform: 'rackspace',
    ignition: 'nobody',
    cloud: 'nobody',
  },
  {
    name: 'digitalocean',
    tree: DIGITALOCEAN,
    release: CL,
    platform: 'digitalocean',
    ignition: 'ignition',
    cloud: 'default.ign',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'digitalocean',
    tree: DIGITALOCEAN,
    release: FL_4722,
    platform: 'digitalocean',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'packet',
    tree: PACKET,
    release: CL,
    platform: 'packet',
    ignition: 'ignition',
    cloud: 'default.ign',
    unit: CLOUDINIT,
    keys: SSH,
  },
  {
    name: 'packet, whose preset was dropped',
    tree: PACKET,
    release: FL_4722,
    platform: 'packet',
    ignition: 'ignition',
    cloud: 'nobody',
    keys: SSH,
  },
  {
    name: 'azure',
    tree: AZURE,
    release: CL,
    platform: 'azure',
    ignition: 'ignition',
    cloud: 'default.ign',
    unit: CLOUDINIT,
  },
  {
    name: 'azure',
    tree: AZURE,
    release: FL_3510,
    platform: 'azure',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
  },
  // Through a script on the partition.
  {
    name: 'cloudstack',
    tree: CLOUDSTACK,
    release: CL,
    platform: 'cloudstack',
    ignition: 'ignition',
    cloud: 'cloud-config',
    unit: 'cloudstack-cloudinit.service',
  },
  {
    name: 'cloudstack',
    tree: CLOUDSTACK,
    release: FL_4722,
    platform: 'cloudstack',
    ignition: 'ignition',
    cloud: 'nobody',
  },
  {
    name: 'cloudsigma',
    tree: CLOUDSIGMA,
    release: CL,
    platform: 'cloudsigma',
    ignition: 'nobody',
    cloud: 'cloud-config',
    unit: CLOUDINIT,
  },
  {
    name: 'vagrant',
    tree: VAGRANT,
    release: CL,
    platform: 'vagrant',
    ignition: 'nobody',
    cloud: 'cloud-config',
    unit: 'user-cloudinit@var-lib-coreos\\x2dvagrant-vagrantfile\\x2duser\\x2ddata.path',
  },
  {
    name: 'vagrant, detected',
    tree: VAGRANT,
    release: FL_4722,
    platform: 'metal',
    ignition: 'nobody',
    cloud: 'nobody',
  },
  { name: 'hyperv', tree: ID_ONLY('hyperv'), release: CL, platform: 'hyperv', ignition: 'nobody', cloud: 'nobody' },
  {
    name: 'hyperv',
    tree: ID_ONLY('hyperv'),
    release: 'flatcar:4081.2.0',
    platform: 'hyperv',
    ignition: 'unknown',
    cloud: 'nobody',
  },
  {
    name: 'hetzner',
    tree: ID_ONLY('hetzner'),
    release: FL_4722,
    platform: 'hetzner',
    ignition: 'ignition',
    cloud: 'nobody',
    keys: SSH,
  },
  {
    name: 'aws by its new name',
    tree: ID_ONLY('aws'),
    release: FL_3510,
    platform: 'aws',
    ignition: 'ignition',
    cloud: 'oem-cloudinit',
    unit: CLOUDINIT,
    keys: undefined,
  },
  { name: 'nothing', tree: {}, release: CL, platform: 'pxe', ignition: 'nobody', cloud: 'nobody' },
  { name: 'nothing', tree: {}, release: FL_3510, platform: 'metal', ignition: 'nobody', cloud: 'nobody' },
  {
    name: 'a release without Ignition',
    tree: EC2_OLD,
    release: 'container-linux:681.0.0',
    platform: undefined,
    ignition: 'nobody',
    cloud: 'cloud-config',
    unit: CLOUDINIT,
  },
  {
    name: 'an id in oem-release',
    tree: { '/oem-release': 'OEM_ID=ec2\n' },
    release: 'container-linux:766.0.0',
    platform: 'ec2',
    ignition: 'ignition',
    cloud: 'nobody',
  },
]

describe('user data', () => {
  it.each(ROWS)(
    'of $name on $release: platform $platform, Ignition configs by $ignition, cloud-configs by $cloud',
    (row) => {
      const { platform, userData, sshKeys } = explained(row.tree, row.release)
      expect(platform.platform).toBe(row.platform)
      expect(userData.ignitionConfigs.by).toBe(row.ignition)
      expect(userData.cloudConfigs.by).toBe(row.cloud)
      expect(userData.cloudConfigs.unit).toBe(row.unit)
      if ('keys' in row) expect(sshKeys.unit).toBe(row.keys)
      const decides = row.cloud === 'nobody' ? row.ignition : row.cloud
      expect(userData.by).toBe(decides)
    },
  )

  it('names two that would both run', () => {
    const { userData } = explained(EC2_OLD, CL_1520)
    expect([userData.cloudConfigs, ...userData.also].map(({ by }) => by)).toEqual(['cloud-config', 'ignition-default'])
  })

  it('is cut off by a config.ign, on every release that reads one', () => {
    const tree = { ...EC2, '/config.ign': ignition([]) }
    for (const release of [CL, FL_3510]) {
      const { userData, configs } = explained(tree, release)
      expect(userData.ignitionConfigs).toMatchObject({ by: 'nobody', why: 'config.ign comes before user data' })
      expect(userData.by).toBe('nobody')
      expect(configs.find(({ path }) => path === '/config.ign')?.use).toBe('as the user config')
      expect(configs.find(({ path }) => path === '/base/default.ign')?.use).toBe('never')
    }
    expect(explained(tree, CL_1520).userData.by).toBe('ignition-default')
  })

  it('is not fetched for an empty config.ign, which leaves a cloud-config to default.ign', () => {
    const { userData, stops } = explained({ ...EC2, '/config.ign': '' }, CL)
    expect(userData.ignitionConfigs.by).toBe('nobody')
    expect(userData.cloudConfigs.by).toBe('default.ign')
    expect(stops).toEqual([])
  })

  it('gives way to a URL on the kernel command line', () => {
    const tree = ID_ONLY('ec2', 'set linux_append="coreos.config.url=http://example.com/x.ign"\n')
    const { userData, userConfigOrder } = explained(tree, FL_3510)
    expect(userData.by).toBe('nobody')
    expect(userData.ignitionConfigs.how).toContain('http://example.com/x.ign')
    expect(userConfigOrder[0]).toContain('http://example.com/x.ign')
    // Ignition 0.11 asked for it on no cloud.
    expect(explained(tree, 'container-linux:1185.0.0').userData.by).toBe('ignition')
  })

  it('is nobody’s where the unit that would read the config drive is masked', () => {
    const tree = {
      ...ID_ONLY('rackspace'),
      '/base/base.ign': ignition([{ name: 'user-configdrive.service', mask: true }]),
    }
    const { by, how } = explained(tree, CL).userData
    expect([by, how.includes('config-2')]).toEqual(['nobody', false])
    expect(explained(ID_ONLY('hyperv'), CL).userData.how).toContain('config-2')
    // There base.ign is not read.
    expect(explained(tree, CL_1520).userData.by).toBe('user-configdrive')
  })
})

describe('the kernel command line', () => {
  const line = (tree: TreeFiles, release: string, machine: 'pc' | 'efi', filesystem?: 'ext' | 'btrfs') =>
    explained(tree, release, filesystem)
      .commandLines.find((found) => found.machine === machine)
      ?.arguments.join(' ')
  const ID = '00000000-0000-0000-0000-000000000001'

  it.each([
    [
      'ec2 on a pc',
      EC2,
      CL,
      'pc',
      `rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 coreos.first_boot=detected coreos.randomize_disk_guid=${ID} coreos.oem.id=ec2 modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295`,
    ],
    [
      'ec2 on UEFI',
      EC2,
      CL,
      'efi',
      `rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 console=tty0 coreos.first_boot=detected coreos.randomize_disk_guid=${ID} coreos.oem.id=ec2 modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295`,
    ],
    [
      'azure',
      AZURE,
      FL_3510,
      'pc',
      'rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 earlyprintk=ttyS0,115200 flatcar.first_boot=detected flatcar.oem.id=azure',
    ],
    [
      'nothing, in 2015',
      {},
      'container-linux:794.0.0',
      'pc',
      'rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 console=tty0 coreos.first_boot=1',
    ],
    [
      'an id that goes nowhere',
      ID_ONLY('ec2'),
      'container-linux:794.0.0',
      'pc',
      'rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 console=tty0 coreos.first_boot=1',
    ],
    [
      'another root',
      ID_ONLY('qemu', 'set linux_root="root=LABEL=OTHER"\n'),
      FL_3510,
      'efi',
      'rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=OTHER console=ttyS0,115200n8 console=tty0 flatcar.first_boot=detected flatcar.oem.id=qemu',
    ],
  ] as const)('of %s', (_, tree, release, machine, expected) => {
    expect(line(tree, release, machine)).toBe(expected)
  })

  // What machines said in /proc/cmdline, without the kernel's path, the USR partition and verity.usrhash around it.
  it.each([
    [
      'Container Linux 4.13.16-coreos-r2 on EC2, 2017-12-11, a later boot',
      EC2_2017,
      'container-linux:1576.4.0',
      'rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 coreos.oem.id=ec2 modprobe.blacklist=xen_fbfront net.ifnames=0',
    ],
    [
      'Flatcar 3975.2.2 on EC2, the first boot',
      { '/grub.cfg': `${EC2['/grub.cfg']}set linux_append="$linux_append selinux=0"\n` },
      'flatcar:3975.2.2',
      'rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT console=ttyS0,115200n8 flatcar.first_boot=detected flatcar.oem.id=ec2 modprobe.blacklist=xen_fbfront net.ifnames=0 nvme_core.io_timeout=4294967295 selinux=0',
    ],
  ] as const)('is what a machine told: %s', (_, tree, release, told) => {
    const [pc] = explained(tree, release).commandLines
    const later = !told.includes('first_boot')
    expect(pc?.arguments.filter((argument) => !later || !pc.firstBootOnly.includes(argument)).join(' ')).toBe(told)
  })

  it('lacks the OEM partition’s share where GRUB can not read ext4 on UEFI', () => {
    expect(line(EC2, 'flatcar:4186.0.0', 'efi', 'ext')).not.toContain('oem.id')
    expect(line(EC2, 'flatcar:4186.0.0', 'efi', 'btrfs')).toContain('flatcar.oem.id=ec2')
    expect(line(EC2, 'flatcar:4185.0.0', 'efi', 'ext')).toContain('flatcar.oem.id=ec2')
    expect(line(EC2, 'flatcar:4186.0.0', 'pc', 'ext')).toContain('flatcar.oem.id=ec2')
    expect(explained(EC2, 'flatcar:4186.0.0', 'ext').platformOnEfi?.platform).toBe('metal')
    expect(explained(EC2, 'flatcar:4186.0.0', 'btrfs').platformOnEfi).toBeUndefined()
    // The same platform, come to in another way.
    expect(explained(ID_ONLY('metal'), 'flatcar:4186.0.0', 'ext').platformOnEfi?.oemId).toBeUndefined()
    expect(explained(ID_ONLY('metal'), 'flatcar:4186.0.0', 'ext').platformOnEfi?.platform).toBe('metal')
  })

  it('names what is there on the first boot only', () => {
    const [pc] = explained(EC2, CL).commandLines
    expect(pc?.firstBootOnly).toEqual(['coreos.first_boot=detected', `coreos.randomize_disk_guid=${ID}`])
  })

  it('is not known of an unknown release', () => {
    expect(explainBoot(bootTree(EC2), { kind: 'unknown', reason: 'test' }).commandLines).toEqual([])
  })

  it('may name the platform by itself, and the last one counts', () => {
    const tree = ID_ONLY('ec2', 'set linux_append="flatcar.oem.id=packet"\n')
    expect(explained(tree, FL_3510).platform).toMatchObject({ oemId: 'packet', platform: 'packet' })
    // Container Linux knows the other name only.
    expect(explained(tree, CL).platform.platform).toBe('ec2')
  })
})

describe('Secure Boot', () => {
  it.each([
    [CL, 'skipped'],
    [FL_3510, 'skipped'],
    ['flatcar:3913.0.0', 'sourced'],
  ])('on %s: grub.cfg is %s', (release, grubCfg) => {
    expect(explained(EC2, release).secureBoot.grubCfg).toBe(grubCfg)
  })
})

describe('the OEM cloud-config', () => {
  const tree = { '/cloud-config.yml': '#cloud-config\nhostname: x\n' }

  it('is read by nobody from Flatcar 4722 on, and what to do instead is said', () => {
    const { cloudConfig, ignored } = explained(tree, FL_4722)
    expect(cloudConfig.state).toBe('not read')
    expect(ignored).toEqual([{ path: '/cloud-config.yml', why: cloudConfig.why, instead: cloudConfig.instead }])
    expect(cloudConfig.instead).toContain('--ignition')
  })

  it.each([
    [CL, 'applied'],
    ['flatcar:4721.0.0', 'applied'],
  ])('on %s is %s, at every boot', (release, state) => {
    const { cloudConfig, ignored } = explained(tree, release)
    expect(cloudConfig.state).toBe(state)
    expect(cloudConfig.why).toContain('every boot')
    expect(ignored).toEqual([])
  })

  it('comes after the setup script and before the user’s', () => {
    const order = explained(RACKSPACE, CL).cloudConfig.order
    expect(order).toHaveLength(4)
    expect(order[0]).toContain('runs /bin/coreos-setup-environment')
    expect(order[1]).toContain('applies /usr/share/oem/cloud-config.yml')
    expect(order[2]).toContain('nova-agent-auto.service')
    expect(order[3]).toContain('user-config.target')
  })

  it('that can not be read is broken', () => {
    expect(explained({ '/cloud-config.yml': 'hostname: x\n' }, CL).cloudConfig.state).toBe('broken')
  })
})

describe('a unit', () => {
  it('that runs what is not on the partition is told', () => {
    const { services } = explained(RACKSPACE, CL)
    expect(services.map(({ unit, missing }) => [unit, missing])).toEqual([['nova-agent-auto.service', []]])
    const { '/nova-agent/etc/hosts': _, ...without } = RACKSPACE
    expect(explained(without, CL).services[0]?.missing).toEqual(['/nova-agent'])
  })

  it('is read where an Ignition config copies it from', () => {
    const { '/bin/waagent': _, ...without } = AZURE
    const missing = explained(without, CL).services.flatMap((service) => service.missing)
    expect(missing).toEqual(['/bin/waagent'])
    expect(explained(AZURE, CL).services.flatMap((service) => service.missing)).toEqual([])
  })

  it('that is masked runs nothing', () => {
    const contents = '[Service]\nExecStart=/usr/share/oem/bin/gone coreos-cloudinit --oem=gce\n'
    const unit = { name: 'x.service', enabled: true, contents }
    const of = (mask: boolean) => explained({ '/base/base.ign': ignition([{ ...unit, mask }]) }, CL)
    expect(of(true).services).toMatchObject([{ does: 'masks', cloudinit: undefined, missing: [] }])
    expect(of(false).services).toMatchObject([{ does: 'enables', cloudinit: '--oem=gce', missing: ['/bin/gone'] }])
    expect([of(true).userData.by, of(false).userData.by]).toEqual(['nobody', 'base.ign'])
  })

  it('of a config that does not apply is not listed', () => {
    expect(explained(EC2, FL_3510).services.map(({ from }) => from)).toEqual(['/base/base.ign'])
    expect(explained(EC2, CL_1520).services).toEqual([])
  })
})

describe('what stops a boot', () => {
  it.each<[string, TreeFiles, string, string | undefined]>([
    ['an unknown platform', ID_ONLY('hetzner'), CL, 'hetzner'],
    ['its neighbour', ID_ONLY('hetzner'), FL_4722, undefined],
    ['an empty base.ign', { '/base/base.ign': '' }, CL, '/base/base.ign'],
    ['its neighbour, where nobody reads it', { '/base/base.ign': '' }, CL_1520, undefined],
    ['a version too new', { '/base/base.ign': ignition([], '3.0.0') }, CL, '3.0.0'],
    ['its neighbour', { '/base/base.ign': ignition([], '3.0.0') }, FL_3510, undefined],
    [
      'an oem:// path that is not there',
      {
        '/base/base.ign': ignition([], '2.1.0', {
          storage: { files: [{ filesystem: 'root', path: '/x', contents: { source: 'oem:///x' } }] },
        }),
      },
      CL,
      'oem:///x',
    ],
  ])('%s', (_, tree, release, says) => {
    const { stops } = explained(tree, release)
    expect(stops).toHaveLength(says === undefined ? 0 : 1)
    if (says !== undefined) expect(stops[0]).toContain(says)
  })
})

describe('the OEM partition later', () => {
  it.each([
    [CL, EC2, '/usr/share/oem', 'leaves the OEM partition as it is'],
    [FL_4722, FLATCAR_AMI, '/oem', 'fetches the extension oem-ami'],
    [FL_3510, AZURE, '/usr/share/oem', 'fetches the extension oem-azure, and fails without it; the first move'],
    [
      FL_3510,
      { ...ID_ONLY('x'), '/sysext/active-oem-mine': '', '/oem-release': 'ID=mine\n' },
      '/usr/share/oem',
      'oem-mine',
    ],
    [FL_4722, ID_ONLY('rackspace'), '/oem', 'asks for no OEM extension'],
  ])('on %s', (release, tree, mountPoint, update) => {
    const boot = explained(tree, release)
    expect(boot.mount).toMatchObject({ mountPoint })
    expect(boot.update).toContain(update)
  })

  it('is not mounted where the unit wants another filesystem', () => {
    expect(explained({}, CL, 'btrfs').mount).toMatchObject({ mounts: false })
    expect(explained({}, CL, 'ext').mount).toMatchObject({ mounts: true })
  })
})
