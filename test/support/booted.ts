/**
 * Images that have been booted, as far as they show it: copies of production-like ones, changed by programs that are not
 * ours (sgdisk, mtools, debugfs), one sign each. That each has its sign, and no other, is seen by the same programs.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { judge, partitionRange } from '../e2e/outside.js'

export const BOOTED_SIGNS = ['disk-guid', 'first-boot-flag', 'machine-id', 'ssh-host-keys'] as const
export type BootedSign = (typeof BOOTED_SIGNS)[number]

/** Numbers of the partitions. */
const ESP = 1
const ROOT = 9

/** @param source a raw image with an ext4 ROOT */
export function bootedCopy(source: string, directory: string, vendor: 'coreos' | 'flatcar', sign: BootedSign): string {
  const path = join(directory, `${vendor}-${sign}.bin`)
  execFileSync('cp', ['--sparse=always', source, path])
  const esp = `${path}@@${partitionRange(path, ESP).offset}`
  const root = `${path}?offset=${partitionRange(path, ROOT).offset}`
  const debugfs = (...commands: string[]) => judge('debugfs', ['-w', '-f', '-', root], `${commands.join('\n')}\n`)
  switch (sign) {
    case 'disk-guid':
      judge('sgdisk', ['--disk-guid=R', path])
      break
    case 'first-boot-flag':
      judge('mdel', ['-i', esp, `::/${vendor}/first_boot`])
      break
    case 'machine-id':
      debugfs('mkdir /etc', 'cd /etc', 'write /etc/machine-id machine-id')
      break
    case 'ssh-host-keys':
      debugfs('mkdir /etc', 'mkdir /etc/ssh', 'cd /etc/ssh', 'write /etc/hostname ssh_host_ed25519_key')
  }
  return path
}

/** The signs that the outside programs see. */
export function signsIn(path: string, vendor: 'coreos' | 'flatcar'): readonly BootedSign[] {
  const root = `${path}?offset=${partitionRange(path, ROOT).offset}`
  const guid = /^Disk identifier \(GUID\): (\S+)/m.exec(judge('sgdisk', ['-p', path]).toString())?.[1]
  const files = judge('mdir', ['-b', '-i', `${path}@@${partitionRange(path, ESP).offset}`, `::/${vendor}`]).toString()
  const id = judge('debugfs', ['-R', 'cat /etc/machine-id', root]).toString()
  const keys = judge('debugfs', ['-R', 'ls /etc/ssh', root]).toString()
  const shown: Readonly<Record<BootedSign, boolean>> = {
    'disk-guid': guid !== '00000000-0000-0000-0000-000000000001',
    'first-boot-flag': !files.includes('first_boot'),
    'machine-id': /^[0-9a-f]{32}$/m.test(id),
    'ssh-host-keys': keys.includes('ssh_host_ed25519_key'),
  }
  return BOOTED_SIGNS.filter((sign) => shown[sign])
}
