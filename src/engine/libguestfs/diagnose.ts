/**
 * What this machine lacks, each with the commands that cure it.
 *
 * guestfish is looked for first. Everything else is looked at only after a launch has failed, by looking at the machine
 * and not at the text of the failure: a check beforehand would forbid what might work (a cached appliance needs no
 * kernel, a fixed one in `LIBGUESTFS_PATH` needs no supermin).
 *
 * supermin takes `SUPERMIN_KERNEL` if that looks like a kernel, or the newest of `/lib/modules/<version>/` and `/boot`,
 * and has to read it. Ubuntu makes `/boot/vmlinuz-*` readable by root alone (launchpad bug 759725); minimal and cloud systems, and all
 * containers, may have none.
 */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { UnsupportedError } from '../../errors.js'
import { cacheDirectory } from './environment.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Debian's kernel packages are named by its own architectures. */
const DEBIAN_KERNEL = process.arch === 'arm64' ? 'linux-image-arm64' : 'linux-image-amd64'

const INSTALL_HINT = [
  `Debian: sudo apt-get install libguestfs-tools ${DEBIAN_KERNEL}`,
  'Ubuntu: sudo apt-get install libguestfs-tools linux-image-generic && sudo chmod +r /boot/vmlinuz-*',
  'Fedora: sudo dnf install guestfs-tools kernel-core',
].join('\n')

const KERNEL_HINT = [
  `Debian: sudo apt-get install ${DEBIAN_KERNEL}`,
  'Ubuntu: sudo apt-get install linux-image-generic && sudo chmod +r /boot/vmlinuz-*',
  'Fedora: sudo dnf install kernel-core',
].join('\n')

/** `vmlinuz-6.1.0-18-amd64`, and what other architectures call it. */
const KERNEL_NAME = /^(vmlinu[xz]|[uz]?Image)(-|$)/

/**
 * @returns absolute path of guestfish, by the search path of this run
 * @throws ERR_GUESTFISH_MISSING
 */
export function locateGuestfish(env: Environment): string {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    const path = join(directory, 'guestfish')
    if (directory !== '' && isAccessible(path, constants.X_OK)) return path
  }
  throw new UnsupportedError(
    'ERR_GUESTFISH_MISSING',
    'guestfish was not found in PATH; the libguestfs engine runs on it',
    { hint: INSTALL_HINT, details: { path: env.PATH } },
  )
}

/** Where kernels lie; another place only in tests. */
export interface KernelPlaces {
  readonly boot: string
  readonly modules: string
}

const KERNEL_PLACES: KernelPlaces = { boot: '/boot', modules: '/lib/modules' }

/**
 * Why supermin could not build an appliance, as far as the machine tells.
 *
 * @returns undefined when a kernel can be read, or none is needed
 */
export function findKernelProblem(env: Environment, places = KERNEL_PLACES): UnsupportedError | undefined {
  if (isFixedAppliance(env)) return undefined
  const kernels = [env.SUPERMIN_KERNEL ?? '', ...kernelsIn(places)].filter(existsSync)
  if (kernels.length === 0) {
    return new UnsupportedError(
      'ERR_KERNEL_MISSING',
      `no Linux kernel found in ${places.boot} or ${places.modules}; libguestfs boots its appliance with the machine's own`,
      { hint: KERNEL_HINT },
    )
  }
  if (kernels.some((path) => isAccessible(path, constants.R_OK))) return undefined
  return new UnsupportedError(
    'ERR_KERNEL_UNREADABLE',
    `${kernels.join(', ')} can't be read by this user; libguestfs boots its appliance with it`,
    {
      hint: `Debian, Ubuntu and Fedora: sudo chmod +r ${join(places.boot, 'vmlinuz-*')}`,
      details: { kernels },
    },
  )
}

/** An appliance that was built before: whether supermin still takes it, only supermin knows. */
export function isApplianceCached(env: Environment): boolean {
  const directory = join(cacheDirectory(env), `.guestfs-${process.getuid?.() ?? 0}`, 'appliance.d')
  return isAccessible(join(directory, 'kernel'), constants.R_OK)
}

/** @param hypervisor as libguestfs names it */
export function findHypervisorProblem(hypervisor: string): UnsupportedError | undefined {
  // A bare name is looked up in PATH by whoever starts it.
  if (!hypervisor.includes('/') || isAccessible(hypervisor, constants.X_OK)) return undefined
  return new UnsupportedError('ERR_QEMU_MISSING', `the hypervisor ${hypervisor} can't be run; libguestfs needs qemu`, {
    hint: [
      'unset LIBGUESTFS_HV if it is set, or',
      `Debian and Ubuntu: sudo apt-get install ${process.arch === 'arm64' ? 'qemu-system-arm' : 'qemu-system-x86'}`,
      'Fedora: sudo dnf install qemu-kvm-core',
    ].join('\n'),
  })
}

function kernelsIn(places: KernelPlaces): readonly string[] {
  const inBoot = namesIn(places.boot)
    .filter((name) => KERNEL_NAME.test(name))
    .map((name) => join(places.boot, name))
  const inModules = namesIn(places.modules)
    .map((version) => join(places.modules, version, 'vmlinuz'))
    .filter((path) => existsSync(path))
  return [...inBoot, ...inModules]
}

/** `LIBGUESTFS_PATH` names directories; one that holds a whole appliance ends the search (libguestfs-make-fixed-appliance). */
function isFixedAppliance(env: Environment): boolean {
  return (env.LIBGUESTFS_PATH ?? '').split(':').some((directory) => existsSync(join(directory, 'README.fixed')))
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
