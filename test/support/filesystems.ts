/** Filesystems in a buffer, made by the real programs. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs a mkfs on a file of that size; `FILE` among the arguments stands for its path. */
export function madeBy(
  program: string,
  args: readonly string[],
  sizeBytes: number,
  ...after: readonly (readonly string[])[]
): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-'))
  const path = join(directory, 'filesystem')
  const run = (command: string, words: readonly string[]) =>
    execFileSync(
      command,
      words.map((word) => (word === 'FILE' ? path : word)),
      {
        stdio: 'pipe',
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      },
    )
  try {
    writeFileSync(path, '')
    truncateSync(path, sizeBytes)
    run(program, [...args, 'FILE'])
    for (const [command, ...words] of after) run(command!, words)
    return readFileSync(path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const MIB = 1 << 20

export const ext = (variant: 'ext2' | 'ext3' | 'ext4', label = 'OEM', ...options: readonly string[]): Buffer =>
  madeBy('mke2fs', ['-q', '-F', '-t', variant, '-L', label, ...options], 4 * MIB)

export const vfat = (label = 'OEM'): Buffer => madeBy('mkfs.vfat', ['-n', label], 4 * MIB)

export const btrfs = (label = 'OEM'): Buffer => madeBy('mkfs.btrfs', ['-q', '--mixed', '-L', label], 32 * MIB)
