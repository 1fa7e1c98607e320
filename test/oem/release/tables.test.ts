import { describe, expect, it } from 'vitest'
import { acceptedSpecs, compareVersions, IGNITION_ROWS, ignitionVersionOf } from '#src/oem/release/ignition-versions.js'
import { allPlatformIds, knownPlatformIds } from '#src/oem/release/platforms.js'
import { type KnownRelease, parseReleaseArgument } from '#src/oem/release/release.js'

function release(text: string): KnownRelease {
  return parseReleaseArgument(text)
}

function ids(text: string): readonly string[] {
  const knowledge = knownPlatformIds(release(text))
  if (knowledge === 'unknown') throw new Error('known release is unknown')
  return knowledge.ids
}

describe('Ignition versions', () => {
  it.each([
    ['container-linux:681.0.0', undefined],
    ['container-linux:758.1.0', '0.1.2'],
    ['container-linux:1590.0.0', '0.19'],
    ['container-linux:1632.2.1', '0.20.1'],
    // Between two rows: the one below.
    ['container-linux:2345.3.0', '0.33'],
    ['container-linux:2512.3.0', '0.34'],
    ['flatcar:1855.4.0', '0.26'],
    ['flatcar:2905.2.6', '0.34'],
    ['flatcar:3033.2.4', '0.36.1'],
    ['flatcar:3184.0.0', '0.36.1'],
    ['flatcar:3227.2.0', '2.13'],
    ['flatcar:3510.2.8', '2.14'],
    ['flatcar:3815.2.0', '2.15'],
    ['flatcar:4081.2.0', '2.19'],
    ['flatcar:4593.0.0', '2.24'],
    ['flatcar:5000.0.0', '2.26.0'],
  ])('%s carries %s', (text, expected) => {
    expect(ignitionVersionOf(release(text))).toBe(expected)
  })

  it('rise with the branch, in both tables', () => {
    for (const rows of Object.values(IGNITION_ROWS)) {
      for (const [index, row] of rows.slice(1).entries()) {
        const before = rows[index]!
        expect(row.branch).toBeGreaterThan(before.branch)
        expect(compareVersions(row.ignition, before.ignition)).toBeGreaterThanOrEqual(0)
      }
    }
  })

  it('compare by number, not by text', () => {
    expect(compareVersions('0.9', '0.10')).toBeLessThan(0)
    expect(compareVersions('2.0', '0.36.1')).toBeGreaterThan(0)
    expect(compareVersions('0.17', '0.17.0')).toBe(0)
  })
})

describe('accepted config versions', () => {
  it.each([
    ['container-linux:835.9.0', ['1']],
    ['container-linux:1010.5.0', ['1', '2.0.0']],
    ['container-linux:1451.2.0', ['1', '2.0.0', '2.1.0-experimental']],
    ['container-linux:1465.6.0', ['1', '2.0.0', '2.1.0']],
    ['container-linux:2512.3.0', ['1', '2.0.0', '2.1.0', '2.2.0', '2.3.0', '2.4.0-experimental']],
    ['flatcar:3033.2.4', ['1', '2.0.0', '2.1.0', '2.2.0', '2.3.0', '2.4.0']],
  ])('of %s are %j', (text, expected) => {
    expect(acceptedSpecs(release(text))).toEqual(expected)
  })

  it('take 3.4.0 from 3535, 3.5.0 from 4152 and 3.6.0 from 4799 on', () => {
    expect(acceptedSpecs(release('flatcar:3534.0.0'))).not.toContain('3.4.0')
    expect(acceptedSpecs(release('flatcar:3535.0.0'))).toContain('3.4.0')
    expect(acceptedSpecs(release('flatcar:4151.0.0'))).not.toContain('3.5.0')
    expect(acceptedSpecs(release('flatcar:4152.0.0'))).toContain('3.5.0')
    expect(acceptedSpecs(release('flatcar:4798.0.0'))).not.toContain('3.6.0')
    expect(acceptedSpecs(release('flatcar:4799.0.0'))).toContain('3.6.0')
  })

  it('are not known of an unknown release', () => {
    expect(acceptedSpecs({ kind: 'unknown', reason: 'test' })).toBeUndefined()
  })
})

describe('platform ids', () => {
  it.each([
    ['container-linux:758.1.0', ['ec2'], ['rackspace']],
    ['container-linux:835.9.0', ['rackspace', 'xendom0'], ['qemu']],
    ['container-linux:1153.0.0', ['qemu', 'file', 'xendom0'], ['virtualbox']],
    ['container-linux:1451.0.0', ['virtualbox'], ['xendom0', 'oracle-oci', 'vagrant-virtualbox']],
    ['container-linux:1465.0.0', ['virtualbox', 'vagrant-virtualbox'], ['xendom0', 'oracle-oci']],
    ['container-linux:1535.0.0', ['oracle-oci'], ['xendom0']],
    ['container-linux:1786.0.0', ['rackspace'], ['oracle-oci', 'metal']],
    ['container-linux:2512.3.0', ['metal', 'aliyun', 'rackspace-onmetal'], ['vultr', 'hetzner', 'aws', 'hcloud']],
    ['flatcar:3033.0.0', ['vultr', 'ec2'], ['aws']],
    // Flatcar's first Ignition 2.x: new names, old names by translation, no-op ids not yet back.
    ['flatcar:3227.2.0', ['aws', 'gcp', 'ec2', 'gce', 'pxe', 'nutanix'], ['rackspace', 'vagrant', 'interoute']],
    ['flatcar:3510.2.8', ['rackspace', 'vagrant', 'interoute', 'kubevirt'], ['hetzner', 'scaleway']],
    ['flatcar:3760.0.0', ['rackspace'], ['interoute', 'niftycloud']],
    ['flatcar:4081.0.0', ['rackspace', 'hetzner', 'scaleway', 'akamai'], ['proxmoxve']],
    ['flatcar:4722.0.0', ['cloudsigma', 'vagrant', 'pxe', 'hyperv', 'oraclecloud'], ['rackspace', 'nvidiabluefield']],
    ['flatcar:4799.0.0', ['nvidiabluefield', 'ec2'], ['rackspace-onmetal']],
  ])('of %s hold %j and not %j', (text, known, unknown) => {
    expect(ids(text)).toEqual(expect.arrayContaining(known))
    for (const id of unknown) expect(ids(text)).not.toContain(id)
  })

  it('are unknown of an unknown release, and their union holds every era', () => {
    expect(knownPlatformIds({ kind: 'unknown', reason: 'test' })).toBe('unknown')
    expect(allPlatformIds()).toEqual(expect.arrayContaining(['xendom0', 'oracle-oci', 'rackspace', 'aws', 'hetzner']))
    expect(allPlatformIds()).not.toContain('hcloud')
  })
})
