/**
 * Substitutes for qemu, for `LIBGUESTFS_HV`. libguestfs first asks a hypervisor what it can do; those questions go to the
 * real one, and only a launch, which has a `-kernel`, meets the substitute.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LAUNCHES = {
  /** Dies as qemu does on a /dev/kvm that is there and broken. */
  aborts: 'kill -ABRT $$',
  /** Silent for ever, and deaf to SIGTERM. */
  hangs: 'trap "" TERM; while :; do sleep 1; done',
  /** As /dev/kvm in some nested virtual machines: good without it, silent with it. */
  'hangs-with-kvm': 'case "$LIBGUESTFS_BACKEND_SETTINGS" in *force_tcg*) exec REAL "$@";; *) exec sleep 1000;; esac',
} as const

/** @returns path of an executable */
export function writeHypervisor(directory: string, kind: keyof typeof LAUNCHES): string {
  const real = execFileSync('guestfish', ['get-hv'], { env: { PATH: process.env.PATH, HOME: directory } })
    .toString()
    .trim()
  const path = join(directory, `hypervisor-${kind}`)
  const launch = LAUNCHES[kind].replaceAll('REAL', real)
  writeFileSync(path, `#!/bin/sh\ncase " $* " in *" -kernel "*) ${launch};; *) exec ${real} "$@";; esac\n`)
  chmodSync(path, 0o755)
  // libguestfs keeps what it learnt about a hypervisor by size and time: the same time gives one entry, not one a run.
  utimesSync(path, 1_000_000_000, 1_000_000_000)
  return path
}
