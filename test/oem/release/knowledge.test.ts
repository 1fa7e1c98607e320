/** The tables of what a release does with an OEM partition, claim by claim: facts that a person can look up in the sources. */
import { describe, expect, it } from 'vitest'
import { cloudinitFactsOf, flatcarFallbackFor } from '#src/oem/release/cloudinit-facts.js'
import { noEffectOf } from '#src/oem/release/eras.js'
import { type GrubFacts, grubFactsOf } from '#src/oem/release/grub-facts.js'
import { type OemMount, oemMountOf } from '#src/oem/release/oem-mount.js'
import { platformChoiceOf } from '#src/oem/release/platform-choice.js'
import { knownPlatformIds } from '#src/oem/release/platforms.js'
import { type ImageRelease, type KnownRelease, parseReleaseArgument } from '#src/oem/release/release.js'
import { sshKeysOf } from '#src/oem/release/ssh-keys.js'
import { configUrlArguments, oemConfigsRead, userConfigSourceOf } from '#src/oem/release/user-config.js'

const on = (text: string): KnownRelease => parseReleaseArgument(text)
const UNKNOWN: ImageRelease = { kind: 'unknown', reason: 'test' }

/** Fails the test where a known release is unknown to a table. */
function known<T>(fact: T | 'unknown'): T {
  if (fact === 'unknown') throw new Error('unknown of a known release')
  return fact
}

describe('of an unknown release', () => {
  it('every table says unknown', () => {
    expect([
      oemMountOf(UNKNOWN),
      grubFactsOf(UNKNOWN),
      platformChoiceOf(UNKNOWN),
      knownPlatformIds(UNKNOWN),
      userConfigSourceOf('ec2', UNKNOWN),
      configUrlArguments(UNKNOWN),
      oemConfigsRead(UNKNOWN),
      cloudinitFactsOf(UNKNOWN),
      flatcarFallbackFor('aws', UNKNOWN),
      sshKeysOf('ec2', UNKNOWN),
    ]).toEqual(Array(10).fill('unknown'))
  })
})

describe('the OEM partition', () => {
  it.each<[string, Partial<OemMount>]>([
    ['container-linux:2512.3.0', { filesystem: 'ext4', mountPoint: '/usr/share/oem', mounts: ['ext4'] }],
    ['flatcar:2605.0.0', { filesystem: 'ext4', mountPoint: '/usr/share/oem', mounts: ['ext4'] }],
    ['flatcar:2954.0.0', { filesystem: 'ext4', mounts: 'any' }],
    ['flatcar:2955.0.0', { filesystem: 'btrfs', mountPoint: '/usr/share/oem', unit: 'usr-share-oem.mount' }],
    ['flatcar:3636.0.0', { mountPoint: '/usr/share/oem', unit: 'usr-share-oem.mount' }],
    ['flatcar:3637.0.0', { filesystem: 'btrfs', mountPoint: '/oem', unit: 'oem.mount', mounts: 'any' }],
    ['flatcar:4693.0.0', { mounts: 'any' }],
    ['flatcar:4694.0.0', { mounts: ['btrfs', 'ext4'], reachedAs: ['/oem', '/usr/share/oem'] }],
  ])('of %s is %j', (release, expected) => {
    expect(oemMountOf(on(release))).toMatchObject(expected)
  })

  it('has no grub.cfg that counts before December 2014', () => {
    expect(noEffectOf('/grub.cfg', on('container-linux:494.0.0'))?.severity).toBe('warning')
    expect(noEffectOf('/grub.cfg', on('container-linux:522.0.0'))).toBeUndefined()
    expect(known(grubFactsOf(on('container-linux:494.0.0'))).sourcesOemGrubCfg).toBe(false)
  })
})

describe('GRUB', () => {
  it.each<[string, Partial<GrubFacts>]>([
    ['container-linux:522.0.0', { sourcesOemGrubCfg: true, underSecureBoot: true, firstBoot: undefined }],
    ['container-linux:681.0.0', { underSecureBoot: false, oemIdArgument: undefined }],
    ['container-linux:794.0.0', { firstBoot: 'coreos.first_boot=1', oemIdArgument: undefined }],
    ['container-linux:835.0.0', { oemIdArgument: 'coreos.oem.id', randomizeDiskGuid: undefined }],
    [
      'container-linux:2512.3.0',
      {
        firstBoot: 'coreos.first_boot=detected',
        randomizeDiskGuid: 'coreos.randomize_disk_guid=00000000-0000-0000-0000-000000000001',
        underSecureBoot: false,
      },
    ],
    ['flatcar:2605.0.0', { oemIdArgument: 'flatcar.oem.id', randomizeDiskGuid: undefined }],
    ['flatcar:3912.0.0', { underSecureBoot: false }],
    ['flatcar:3913.0.0', { underSecureBoot: true, firstBoot: 'flatcar.first_boot=detected' }],
    ['flatcar:4185.0.0', { readsOnEfi: ['ext', 'btrfs', 'fat'] }],
    ['flatcar:4186.0.0', { readsOnEfi: ['btrfs', 'fat'] }],
  ])('of %s does %j', (release, expected) => {
    expect(grubFactsOf(on(release))).toMatchObject(expected)
  })

  it('has the consoles of each machine', () => {
    const { consoles } = known(grubFactsOf(on('container-linux:2512.3.0')))
    expect(consoles).toEqual({
      pc: 'console=ttyS0,115200n8 console=tty0',
      efi: 'console=ttyS0,115200n8 console=tty0',
      xen: 'console=hvc0',
      arm64: 'console=ttyAMA0,115200n8',
    })
  })
})

describe("Ignition's platform", () => {
  it.each([
    ['container-linux:681.0.0', 'nowhere', []],
    ['container-linux:766.0.0', 'oem-release OEM_ID', []],
    ['container-linux:835.0.0', 'kernel argument', ['coreos.oem.id']],
    ['flatcar:3033.0.0', 'kernel argument', ['flatcar.oem.id', 'coreos.oem.id']],
  ])('of %s is taken from %s %j', (release, from, argumentNames) => {
    expect(platformChoiceOf(on(release))).toMatchObject({ from, argumentNames })
  })

  it.each([
    ['container-linux:1010.0.0', ['pxe']],
    ['container-linux:2512.3.0', ['qemu', 'pxe']],
    ['flatcar:3033.0.0', ['qemu', 'pxe']],
    ['flatcar:3510.0.0', ['qemu', 'metal']],
    ['flatcar:4722.0.0', ['qemu', 'virtualbox', 'vmware', 'metal']],
  ])('of %s without an id is one of %j', (release, platforms) => {
    expect(known(platformChoiceOf(on(release))).withoutId.map(({ platform }) => platform)).toEqual(platforms)
  })

  it('is renamed from branch 3185 on, and detected for three ids from 4722 on', () => {
    expect(known(platformChoiceOf(on('flatcar:3184.0.0'))).renames).toEqual({})
    expect(known(platformChoiceOf(on('flatcar:3185.0.0'))).renames).toEqual({ ec2: 'aws', gce: 'gcp', pxe: 'metal' })
    expect(known(platformChoiceOf(on('flatcar:4721.0.0'))).detectedIds).toEqual([])
    expect(known(platformChoiceOf(on('flatcar:4722.0.0'))).detectedIds).toEqual(['cloudsigma', 'pxe', 'vagrant'])
  })

  it('renames only to what Ignition knows', () => {
    for (const release of ['flatcar:3185.0.0', 'flatcar:4799.0.0']) {
      const { renames, withoutId } = known(platformChoiceOf(on(release)))
      const targets = [...Object.values(renames), ...withoutId.map(({ platform }) => platform)]
      expect(known(knownPlatformIds(on(release))).ids).toEqual(expect.arrayContaining(targets))
    }
  })
})

describe('the user config', () => {
  const fetched = (platform: string, release: string): number | 'nothing' | 'unknown' => {
    const source = userConfigSourceOf(platform, on(release))
    return source === 'unknown' ? source : source.kind === 'fetches' ? source.from.length : source.kind
  }

  it.each([
    ['ec2', 'container-linux:758.0.0', 1],
    // Ignition 0.1.5 had it switched off.
    ['ec2', 'container-linux:794.0.0', 'nothing'],
    ['ec2', 'container-linux:835.0.0', 1],
    ['digitalocean', 'container-linux:1153.0.0', 'nothing'],
    ['digitalocean', 'container-linux:1164.0.0', 1],
    ['brightbox', 'container-linux:1367.0.0', 'nothing'],
    ['brightbox', 'container-linux:1451.0.0', 2],
    ['cloudstack', 'container-linux:1535.0.0', 1],
    ['cloudstack', 'container-linux:2512.0.0', 2],
    ['rackspace', 'container-linux:2512.0.0', 'nothing'],
    ['exoscale', 'container-linux:2512.0.0', 'nothing'],
    ['exoscale', 'flatcar:3033.0.0', 'unknown'],
    ['exoscale', 'flatcar:3510.0.0', 1],
    ['hyperv', 'flatcar:3510.0.0', 'nothing'],
    ['hyperv', 'flatcar:4081.0.0', 'unknown'],
    ['hyperv', 'flatcar:4722.0.0', 1],
    ['qemu', 'container-linux:2512.0.0', 1],
    ['qemu', 'flatcar:3510.0.0', 2],
    ['aws', 'flatcar:3510.0.0', 1],
    ['metal', 'flatcar:3510.0.0', 'nothing'],
  ])('of %s on %s: %s', (platform, release, expected) => {
    expect(fetched(platform, release)).toBe(expected)
  })

  it('comes from a kernel argument first, whose names grew', () => {
    expect(configUrlArguments(on('container-linux:1185.0.0'))).toEqual([])
    expect(configUrlArguments(on('container-linux:1235.0.0'))).toEqual(['coreos.config.url'])
    expect(configUrlArguments(on('container-linux:2121.0.0'))).toEqual(['coreos.config.url', 'ignition.config.url'])
    expect(configUrlArguments(on('flatcar:2605.0.0'))).toEqual([
      'flatcar.config.url',
      'coreos.config.url',
      'ignition.config.url',
    ])
  })

  it.each([
    ['container-linux:1590.0.0', { base: false, default: false, config: false }],
    ['container-linux:1632.0.0', { base: true, default: true, config: true }],
    ['flatcar:3184.0.0', { base: true, default: true, config: true }],
    ['flatcar:3185.0.0', { base: true, default: false, config: true }],
  ])('of %s may come from the OEM partition: %j', (release, expected) => {
    expect(oemConfigsRead(on(release))).toEqual(expected)
    for (const [path, read] of [
      ['/base/base.ign', expected.base],
      ['/base/default.ign', expected.default],
      ['/config.ign', expected.config],
    ] as const) {
      expect(noEffectOf(path, on(release)) === undefined, path).toBe(read)
    }
  })
})

describe('coreos-cloudinit', () => {
  it.each([
    ['container-linux:2512.3.0', true, 'read', '/bin/coreos-setup-environment'],
    ['flatcar:3912.0.0', true, 'read', '/bin/flatcar-setup-environment'],
    ['flatcar:3913.0.0', true, 'skipped', '/bin/flatcar-setup-environment'],
    ['flatcar:4722.0.0', false, 'skipped', '/bin/flatcar-setup-environment'],
  ])('of %s takes the OEM partition’s file: %s, hyphens: %s, setup script: %s', (release, read, hyphenKeys, script) => {
    const facts = known(cloudinitFactsOf(on(release)))
    expect(facts).toMatchObject({ hyphenKeys, setupEnvironment: { script } })
    expect(facts.oemCloudConfig.onOemPartition).toBe(read)
    expect(noEffectOf('/cloud-config.yml', on(release)) === undefined).toBe(read)
  })

  it.each([
    ['aws', 'flatcar:3033.0.0', undefined],
    ['aws', 'flatcar:3185.0.0', 'ec2-compat'],
    ['ec2', 'flatcar:3185.0.0', undefined],
    ['openstack', 'flatcar:3227.0.0', undefined],
    ['openstack', 'flatcar:3374.0.0', 'ec2-compat'],
    ['packet', 'flatcar:4721.0.0', 'packet'],
    ['packet', 'flatcar:4722.0.0', undefined],
    ['rackspace', 'flatcar:3510.0.0', undefined],
    ['aws', 'container-linux:2512.0.0', undefined],
  ])('is started by Flatcar for %s on %s with preset %s', (platform, release, preset) => {
    expect(known(flatcarFallbackFor(platform, on(release)))?.preset).toBe(preset)
    if (preset !== undefined) expect(known(cloudinitFactsOf(on(release))).presets).toContain(preset)
  })
})

describe('SSH keys', () => {
  it.each([
    ['ec2', 'container-linux:835.0.0', 'none'],
    ['ec2', 'container-linux:1068.0.0', 'automatic'],
    ['packet', 'container-linux:1235.0.0', 'none'],
    ['packet', 'container-linux:1353.0.0', 'automatic'],
    ['ec2', 'container-linux:2512.3.0', 'when-enabled'],
    ['openstack', 'container-linux:2512.3.0', 'with-provider'],
    ['rackspace', 'container-linux:2512.3.0', 'unknown'],
    ['ec2', 'flatcar:3033.0.0', 'when-enabled'],
    ['ec2', 'flatcar:3510.0.0', 'automatic'],
    // The unit looks for the old names only.
    ['aws', 'flatcar:3510.0.0', 'unknown'],
    ['packet', 'flatcar:3510.0.0', 'when-enabled'],
    ['hetzner', 'flatcar:3510.0.0', 'unknown'],
    ['hetzner', 'flatcar:3975.0.0', 'automatic'],
  ])('of %s on %s: %s', (oemId, release, kind) => {
    const support = sshKeysOf(oemId, on(release))
    expect(support === 'unknown' ? support : support.kind).toBe(kind)
  })
})
