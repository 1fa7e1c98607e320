import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import {
  findHypervisorProblem,
  findKernelProblem,
  isApplianceCached,
  locateGuestfish,
} from '#src/engine/libguestfs/diagnose.js'
import { withLibguestfs } from '#src/engine/libguestfs/engine.js'
import { withGuestfish } from '#src/engine/libguestfs/launch.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { engineContext } from './context.js'
import { makeExt4 } from './partitions.js'

const directory = temporaryDirectory()
const image = makeExt4(directory, 'e.img', 8)
const CHILD = new URL('./session-child.ts', import.meta.url).pathname
/** Kernel problems show only where no appliance is cached. */
const emptyCache = join(directory, 'cache')
mkdirSync(emptyCache)
/** setpriv's "nobody". */
const NOBODY = 65534

const hasBothSystems = /apt-get install[\s\S]*dnf install/

describe('locateGuestfish', () => {
  it('finds it in the search path of the run, not of this process', async () => {
    expect(locateGuestfish({ PATH: `/nonexistent:${process.env.PATH}` })).toMatch(/^\/.*\/guestfish$/)
    const error = await rejectsWithCode(() => locateGuestfish({ PATH: '' }), 'ERR_GUESTFISH_MISSING')
    expect(error.hint).toMatch(hasBothSystems)
  })

  it('does not take a file that can not be run', async () => {
    const place = join(directory, 'path')
    mkdirSync(place)
    writeFileSync(join(place, 'guestfish'), '', { mode: 0o644 })
    await rejectsWithCode(() => locateGuestfish({ PATH: place }), 'ERR_GUESTFISH_MISSING')
  })
})

describe('findKernelProblem', () => {
  function places(name: string, ...kernels: readonly string[]) {
    const boot = join(directory, name)
    mkdirSync(boot, { recursive: true })
    for (const kernel of kernels) writeFileSync(join(boot, kernel), '')
    return { boot, modules: join(boot, 'modules') }
  }
  const env = {}

  it('misses a kernel where only its configuration lies', () => {
    const problem = findKernelProblem(env, places('none', 'config-6.1.0', 'initrd.img-6.1.0', 'System.map-6.1.0'))
    expect(problem?.code).toBe('ERR_KERNEL_MISSING')
    expect(problem?.hint).toMatch(hasBothSystems)
  })

  it('is content with one that can be read', () => {
    expect(findKernelProblem(env, places('one', 'vmlinuz-6.1.0-18-amd64'))).toBeUndefined()
  })

  it('finds a kernel beside its modules', () => {
    const where = places('modules-only')
    mkdirSync(join(where.modules, '6.9.1'), { recursive: true })
    writeFileSync(join(where.modules, '6.9.1', 'vmlinuz'), '')
    expect(findKernelProblem(env, where)).toBeUndefined()
  })

  it('asks for no kernel where a whole appliance is given', () => {
    const fixed = join(directory, 'fixed')
    mkdirSync(fixed)
    writeFileSync(join(fixed, 'README.fixed'), '')
    expect(findKernelProblem({ LIBGUESTFS_PATH: fixed }, places('nowhere'))).toBeUndefined()
  })
})

describe('isApplianceCached', () => {
  it('is about the cache directory of the run', () => {
    const cached = join(directory, 'cached', `.guestfs-${process.getuid?.()}`, 'appliance.d')
    mkdirSync(cached, { recursive: true })
    writeFileSync(join(cached, 'kernel'), '')
    expect(isApplianceCached({ LIBGUESTFS_CACHEDIR: join(directory, 'cached') })).toBe(true)
    expect(isApplianceCached({ LIBGUESTFS_CACHEDIR: emptyCache })).toBe(false)
  })
})

describe('findHypervisorProblem', () => {
  it('names a hypervisor that can not be run, and leaves a bare name to be looked up', () => {
    expect(findHypervisorProblem('/nonexistent/qemu')?.code).toBe('ERR_QEMU_MISSING')
    expect(findHypervisorProblem('qemu-kvm')).toBeUndefined()
    expect(findHypervisorProblem('/bin/sh')).toBeUndefined()
  })
})

describe('a launch', () => {
  const drives = [{ path: image, readOnly: true }]

  it('without guestfish fails before anything is read or written', async () => {
    const { context, events } = engineContext(directory, { PATH: '' })
    const device = new MemoryDevice(Buffer.alloc(4096))
    const filesystem = { kind: 'btrfs', label: '', uuid: '', sizeBytes: 4096 } as const
    await rejectsWithCode(
      withLibguestfs({ edit: { device, filesystem } }, context, async () => undefined),
      'ERR_GUESTFISH_MISSING',
    )
    expect(events).toEqual([])
  })

  /** Runs the child where /boot is another, in a mount namespace of its own. */
  async function launchWithBoot(prepareBoot: string, env: Readonly<Record<string, string>>, uid: number) {
    const theirs = join(directory, `uid-${uid}`)
    mkdirSync(theirs)
    chownSync(theirs, uid, uid)
    chmodSync(directory, 0o755)
    const { context } = engineContext(theirs, { ...env, LIBGUESTFS_CACHEDIR: theirs, TMPDIR: theirs })
    const script = `mount -t tmpfs none /boot && ${prepareBoot} && exec "$@"`
    const become = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
    const node = [process.execPath, '--import', 'tsx', CHILD, theirs, image]
    const args = ['--mount', 'sh', '-c', script, 'sh', ...become, ...node]
    return (await promisify(execFile)('unshare', args, { env: context.env })).stdout
  }

  it('without any kernel says so, instead of trying again without KVM', async () => {
    const stdout = await launchWithBoot('true', { LIBGUESTFS_BACKEND_SETTINGS: '' }, 0)
    expect(stdout).toBe('ERR_KERNEL_MISSING\n')
  })

  it('by a user who can not read the kernel says so', async () => {
    const stdout = await launchWithBoot('touch /boot/vmlinuz-6.1.0 && chmod 600 /boot/vmlinuz-6.1.0', {}, NOBODY)
    expect(stdout).toBe('ERR_KERNEL_UNREADABLE\n')
  })

  it('without a hypervisor says so', async () => {
    const { context } = engineContext(directory, { LIBGUESTFS_HV: '/nonexistent/qemu' })
    await rejectsWithCode(
      withGuestfish(drives, context, async () => undefined),
      'ERR_QEMU_MISSING',
    )
  })
})
