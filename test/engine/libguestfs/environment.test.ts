import { describe, expect, it } from 'vitest'
import { chooseAcceleration } from '#src/engine/libguestfs/acceleration.js'
import { cacheDirectory, guestfishEnvironment, isTcgForced } from '#src/engine/libguestfs/environment.js'

describe('guestfishEnvironment', () => {
  it('chooses the direct backend whatever the user chose', () => {
    expect(guestfishEnvironment({ LIBGUESTFS_BACKEND: 'libvirt' }, 'kvm', '/t').LIBGUESTFS_BACKEND).toBe('direct')
  })

  it("adds force_tcg to the user's backend settings, once", () => {
    const settings = (value: string | undefined, acceleration: 'kvm' | 'tcg') =>
      guestfishEnvironment({ LIBGUESTFS_BACKEND_SETTINGS: value }, acceleration, '/t').LIBGUESTFS_BACKEND_SETTINGS
    expect(settings('gdb', 'tcg')).toBe('gdb:force_tcg')
    expect(settings('force_tcg', 'tcg')).toBe('force_tcg')
    expect(settings(undefined, 'kvm')).toBeUndefined()
    expect(settings('gdb', 'kvm')).toBe('gdb')
  })

  it('puts temporary files into the session and leaves the appliance where it is shared', () => {
    const env = guestfishEnvironment({ TMPDIR: '/scratch' }, 'tcg', '/t')
    expect([env.TMPDIR, env.LIBGUESTFS_TMPDIR, env.HOME, env.LIBGUESTFS_CACHEDIR]).toEqual([
      '/t',
      '/t',
      '/t',
      '/scratch',
    ])
    expect(cacheDirectory({})).toBe('/var/tmp')
    expect(cacheDirectory({ TMPDIR: '/scratch', LIBGUESTFS_CACHEDIR: '/cache' })).toBe('/cache')
  })

  it('asks for English', () => {
    const env = guestfishEnvironment({ LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' }, 'tcg', '/t')
    expect([env.LC_ALL, env.LANGUAGE]).toEqual(['C', undefined])
  })

  it('keeps the choice of hypervisor and kernel', () => {
    const chosen = { LIBGUESTFS_HV: '/hv', SUPERMIN_KERNEL: '/k', LIBGUESTFS_MEMSIZE: '900' }
    expect(guestfishEnvironment(chosen, 'tcg', '/t')).toMatchObject(chosen)
  })
})

describe('chooseAcceleration', () => {
  // Any file that can be opened for reading and writing stands for a device that can.
  const usable = '/dev/null'

  it('takes KVM when its device can be opened', () => {
    expect(chooseAcceleration({}, usable, { kvmFailed: false })).toBe('kvm')
  })

  it('goes without KVM when there is no device', () => {
    expect(chooseAcceleration({}, '/nonexistent/kvm', { kvmFailed: false })).toBe('tcg')
  })

  it('goes without KVM when the device can only be looked at', () => {
    // A directory is readable, and can't be opened for writing even by root.
    expect(chooseAcceleration({}, '/proc', { kvmFailed: false })).toBe('tcg')
  })

  it('goes without KVM when that failed before in this process', () => {
    expect(chooseAcceleration({}, usable, { kvmFailed: true })).toBe('tcg')
  })

  it('goes without KVM when the user says so', () => {
    expect(chooseAcceleration({ LIBGUESTFS_BACKEND_SETTINGS: 'gdb:force_tcg' }, usable, { kvmFailed: false })).toBe(
      'tcg',
    )
    expect(isTcgForced({ LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg=1' })).toBe(true)
    expect(isTcgForced({ LIBGUESTFS_BACKEND_SETTINGS: 'not_force_tcg' })).toBe(false)
  })
})
