/**
 * Whether an appliance is started with KVM, and what is remembered when that did not work.
 *
 * libguestfs uses KVM when /dev/kvm can be opened, and that is not always the truth: in nested virtual machines and
 * containers qemu may abort on it, or wait for ever in its first vCPU's first instruction. So the first launch with
 * KVM is watched closely, repeated once without it, and the process remembers. A device that can't be opened needs no try.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { type Acceleration, isTcgForced } from './environment.js'

/** What a process learnt about its machine. */
export interface AccelerationMemory {
  kvmFailed: boolean
}

/** Shared by all launches of this process, so that the wait and the warning come once. */
export const processMemory: AccelerationMemory = { kvmFailed: false }

export function chooseAcceleration(
  env: Readonly<Record<string, string | undefined>>,
  kvmDevice: string,
  memory: AccelerationMemory,
): Acceleration {
  if (memory.kvmFailed || isTcgForced(env) || !canOpen(kvmDevice)) return 'tcg'
  return 'kvm'
}

/** Opened, not only looked at: an ACL or a container may forbid what the mode allows. */
function canOpen(device: string): boolean {
  try {
    closeSync(openSync(device, constants.O_RDWR))
    return true
  } catch {
    return false
  }
}
