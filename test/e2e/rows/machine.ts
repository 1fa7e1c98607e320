/** Places that can't be written, programs that are missing, an appliance that does not come up. */
import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeHypervisor } from '../../engine/libguestfs/hypervisors.js'
import { environmentWith } from '../../support/bzip2.js'
import { noise } from '../../support/random.js'
import { readableCopy, UNPRIVILEGED_UID } from '../../support/readable-copy.js'
import type { SmallDiskOptions } from '../../support/small-disk.js'
import { temporaryDirectory } from '../../support/temp.js'
import { image, type Place, RACKSPACE, type Row, type Typed } from './row.js'

const refused = { exitCode: 8, code: 'ERR_OUTPUT_IS_INPUT', hint: ['--output'] } as const

/** Names the image itself as the output, with --force, which must not help. */
const ontoInput = (name: string, alias: (path: string, other: string) => void) => (place: Place) => {
  const path = image(place)
  const other = join(place, name)
  alias(path, other)
  return { args: [path, ...RACKSPACE, '--force', '--output', other] }
}

let copy: string | undefined

/** Runs as nobody, who owns nothing here. */
const unprivileged =
  (make: (place: Place) => readonly string[]) =>
  (place: Place): Typed => {
    copy ??= readableCopy(temporaryDirectory())
    chmodSync(place, 0o755)
    return { args: make(place), uid: UNPRIVILEGED_UID, checkout: copy }
  }

/** A small filesystem in memory, mounted at `small` in the place. */
function mountSmall(place: Place, options: string): { readonly path: string; readonly cleanUp: () => void } {
  const path = join(place, 'small')
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'oem-bake-test', path])
  return { path, cleanUp: () => execFileSync('umount', [path]) }
}

interface Shortage {
  readonly disk: SmallDiskOptions
  readonly compressed: boolean
}

const onSmall =
  (megabytes: number, { disk, compressed }: Shortage, flags: readonly string[] = []) =>
  (place: Place): Typed => {
    const { path, cleanUp } = mountSmall(place, `size=${megabytes}m`)
    const args = [image(place, disk, compressed), ...RACKSPACE, ...flags]
    const output = join(path, 'edition.bin')
    const elsewhere = join(place, 'elsewhere')
    mkdirSync(elsewhere)
    return { args: [...args, '--output', output, '--tmp-dir', elsewhere], cleanUp }
  }

const noSpace = { exitCode: 7, code: 'ERR_NO_SPACE', hint: ['free some space', '--tmp-dir'] } as const
const DENSE = { data: noise(12 << 20) }

export const MACHINE_ROWS: readonly Row[] = [
  {
    title: 'an output that exists',
    make: (place) => {
      writeFileSync(join(place, 'image.rackspace.bin'), 'older')
      return { args: [image(place), ...RACKSPACE] }
    },
    exitCode: 8,
    code: 'ERR_OUTPUT_EXISTS',
    says: ['image.rackspace.bin exists'],
    hint: ['--force', '--output'],
  },
  {
    title: 'the input as the output',
    make: ontoInput('image.bin', () => undefined),
    says: ['image.bin is the input'],
    ...refused,
  },
  {
    title: 'a symbolic link to the input as the output',
    make: ontoInput('link.bin', symlinkSync),
    says: ['link.bin is the input'],
    ...refused,
  },
  {
    title: 'a hard link to the input as the output',
    make: ontoInput('hard.bin', linkSync),
    says: ['hard.bin is the input'],
    ...refused,
  },
  {
    title: 'a directory as the output',
    make: (place) => ({ args: [image(place), ...RACKSPACE, '--force', '--output', join(place, 'tmp')] }),
    exitCode: 8,
    code: 'ERR_NOT_A_REGULAR_FILE',
    says: ['tmp exists and is not a regular file'],
    hint: ['--output'],
  },
  {
    title: 'an output in a directory that is not there',
    make: (place) => ({ args: [image(place), ...RACKSPACE, '--output', join(place, 'nowhere', 'x.bin')] }),
    exitCode: 7,
    code: 'ERR_NOT_FOUND',
    says: ['nowhere', 'no such file or directory'],
    hint: ['--output'],
  },
  {
    title: 'an output in a directory that may not be written',
    make: unprivileged((place) => [image(place), ...RACKSPACE]),
    exitCode: 7,
    code: 'ERR_PERMISSION',
    says: ['write to the directory', 'permission denied (EACCES)'],
    hint: ['--output'],
  },
  {
    title: 'an image that may not be read',
    make: unprivileged((place) => {
      const path = image(place)
      chmodSync(path, 0o600)
      return [path, ...RACKSPACE]
    }),
    exitCode: 7,
    code: 'ERR_PERMISSION',
    says: ['open', 'image.bin', 'permission denied (EACCES)'],
    hint: ['permissions'],
  },
  {
    title: 'a directory for temporary files that is not there',
    make: (place) => ({ args: [image(place), ...RACKSPACE, '--tmp-dir', join(place, 'nowhere')] }),
    exitCode: 7,
    code: 'ERR_NOT_FOUND',
    says: ['working directory', 'nowhere'],
    hint: ['check the path'],
  },
  {
    title: 'a directory for temporary files that may not be written',
    make: unprivileged((place) => {
      mkdirSync(join(place, 'out'))
      chmodSync(join(place, 'out'), 0o777)
      return [image(place), ...RACKSPACE, '--output', join(place, 'out', 'x.bin'), '--tmp-dir', place]
    }),
    exitCode: 7,
    code: 'ERR_PERMISSION',
    says: ['working directory', 'permission denied (EACCES)'],
    hint: ['directory'],
  },
  {
    title: 'a directory for temporary files on a read-only filesystem',
    make: (place) => {
      const { path, cleanUp } = mountSmall(place, 'ro')
      return { args: [image(place), ...RACKSPACE, '--tmp-dir', path], cleanUp }
    },
    exitCode: 7,
    code: 'ERR_PERMISSION',
    says: ['working directory', 'permission denied (EROFS)'],
    hint: ['directory'],
  },
  {
    title: 'too little space for the output, told before decoding',
    make: onSmall(4, { disk: DENSE, compressed: true }),
    says: ['not enough space in', 'needed', 'free'],
    ...noSpace,
    hint: ['free some space', '--output'],
  },
  {
    title: 'space that runs out while the recompressed output is written',
    make: onSmall(4, { disk: DENSE, compressed: true }, ['--recompress']),
    says: ['write', 'no space left'],
    ...noSpace,
  },
  {
    title: 'space that runs out while the raw output is written',
    make: onSmall(4, { disk: DENSE, compressed: false }),
    says: ['write', 'no space left'],
    ...noSpace,
  },
  {
    title: 'no program that writes bzip2',
    make: (place) => ({
      args: [image(place, {}, true), ...RACKSPACE, '--recompress'],
      env: environmentWith(place, []),
    }),
    exitCode: 5,
    code: 'ERR_COMPRESSOR_MISSING',
    says: ['lbzip2, pbzip2 and bzip2'],
    hint: ['sudo apt-get install lbzip2', 'sudo dnf install lbzip2'],
  },
  {
    title: 'no guestfish for an OEM partition with btrfs',
    make: (place) => ({
      args: [image(place, { oem: 'btrfs' }), ...RACKSPACE],
      env: environmentWith(place, ['lbzip2']),
    }),
    exitCode: 5,
    code: 'ERR_GUESTFISH_MISSING',
    says: ['guestfish was not found in PATH'],
    hint: ['sudo apt-get install libguestfs-tools', 'sudo dnf install guestfs-tools'],
  },
  {
    title: 'an appliance whose hypervisor aborts',
    make: (place) => ({
      args: [image(place, { oem: 'btrfs' }), ...RACKSPACE],
      env: { LIBGUESTFS_HV: writeHypervisor(place, 'aborts') },
    }),
    exitCode: 6,
    code: 'ERR_APPLIANCE_ABORTED',
    says: ['appliance did not start', 'failed'],
    hint: ['libguestfs-test-tool'],
  },
]

/** Takes two minutes of waiting: the longest silence that a good launch might need without KVM. */
export const HANGING_ROW: Row = {
  title: 'an appliance whose hypervisor hangs',
  make: (place) => ({
    args: [image(place, { oem: 'btrfs' }), ...RACKSPACE],
    env: { LIBGUESTFS_HV: writeHypervisor(place, 'hangs') },
  }),
  exitCode: 6,
  code: 'ERR_APPLIANCE_HANGS',
  says: ['appliance did not start', 'hung', 'silent for'],
  hint: ['libguestfs-test-tool'],
}
