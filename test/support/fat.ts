/** FAT filesystems by mkfs.vfat and mtools, in memory. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ENV = { ...process.env, LC_ALL: 'C', MTOOLS_SKIP_CHECK: '1', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }

export type FatStep =
  | { readonly make: string }
  /** An empty file. */
  | { readonly touch: string }
  | { readonly remove: string }

/** @param args of mkfs.vfat */
export function makeFat(args: readonly string[], sizeBytes: number, steps: readonly FatStep[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-fat-'))
  const image = join(directory, 'fat')
  const empty = join(directory, 'empty')
  const run = (program: string, ...words: string[]) => execFileSync(program, words, { env: ENV, stdio: 'pipe' })
  try {
    writeFileSync(empty, '')
    const file = openSync(image, 'wx')
    ftruncateSync(file, sizeBytes)
    closeSync(file)
    run('mkfs.vfat', '--invariant', ...args, image)
    for (const step of steps) {
      if ('make' in step) run('mmd', '-i', image, `::${step.make}`)
      else if ('touch' in step) run('mcopy', '-i', image, empty, `::${step.touch}`)
      else run('mdel', '-i', image, `::${step.remove}`)
    }
    return readFileSync(image)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * FAT32 with fewer clusters than the specification has for it, as mkfs.vfat makes it and Linux mounts it; mtools does not.
 * So its directory /coreos with first_boot is one that mtools made on FAT16, copied into cluster 3.
 */
export function makeSmallFat32(sizeBytes: number): Buffer {
  const donor = makeFat(['-F', '16', '-s', '1'], 8 << 20, [{ make: '/coreos' }, { touch: '/coreos/first_boot' }])
  // Of either: reserved sectors, then two tables; the donor's root region has 512 entries, its first directory cluster 2.
  const donorData = (donor.readUInt16LE(14) + 2 * donor.readUInt16LE(22)) * 512 + donor.readUInt16LE(17) * 32
  const fat = makeFat(['-F', '32', '-s', '1'], sizeBytes, [])
  const table = fat.readUInt16LE(14) * 512
  const data = table + 2 * fat.readUInt32LE(36) * 512
  donor.copy(fat, data + 512, donorData, donorData + 512)
  fat.write('COREOS     \x10', data, 'latin1')
  fat.writeUInt16LE(3, data + 26)
  fat.writeUInt32LE(0x0fffffff, table + 3 * 4)
  return fat
}
