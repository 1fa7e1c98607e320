/**
 * A root directory that is enough for `systemd-analyze verify --root`: the targets of this machine, the programs that our
 * units start, and the units that Container Linux and Flatcar bring themselves, all of them empty.
 *
 * systemd tells of unknown keys and values, of required units that are not there, and of programs that are not.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const TARGETS =
  'basic local-fs local-fs-pre multi-user network network-online paths shutdown slices sockets swap sysinit timers umount'
const PROGRAMS = ['bash', 'coreos-cloudinit', 'curl', 'rkt']
const PLAIN_SERVICE = '[Service]\nType=oneshot\nExecStart=/usr/bin/bash\n'

/** Units of both distributions. Sources: coreos/init, flatcar/init, coreos-cloudinit units/, coreos-metadata. */
const DISTRIBUTION_UNITS: Readonly<Record<string, string>> = {
  'system-config.target': '[Unit]\n',
  'user-config.target': '[Unit]\n',
  'dbus.service': PLAIN_SERVICE,
  'sshd-keygen.service': PLAIN_SERVICE,
  'user-configdrive.service': PLAIN_SERVICE,
  'user-configvirtfs.service': PLAIN_SERVICE,
  'systemd-networkd.service': PLAIN_SERVICE,
  'coreos-metadata.service': PLAIN_SERVICE,
  'coreos-metadata-sshkeys@.service': PLAIN_SERVICE,
  'media-configdrive.mount': '[Mount]\nWhat=/dev/disk/by-label/config-2\nWhere=/media/configdrive\n',
}

export interface SystemdRoot {
  readonly path: string
  /** Units that the distribution has. */
  readonly units: readonly string[]
  /** Lays a file of the OEM partition where a running machine has it. */
  placeOem(path: string, bytes: Uint8Array, mode: number): void
  placeUnit(name: string, contents: string): void
  /** What systemd says of a unit; empty when it finds nothing. */
  verify(name: string): string
}

/** @param distro how the distribution calls its own units: `coreos` or `flatcar` */
export function systemdRoot(path: string, distro: 'coreos' | 'flatcar'): SystemdRoot {
  const put = (name: string, contents: string | Uint8Array, mode = 0o644): void => {
    const file = join(path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, contents)
    chmodSync(file, mode)
  }
  const vendor = { ...DISTRIBUTION_UNITS, [`${distro}-setup-environment.service`]: PLAIN_SERVICE }
  for (const [name, contents] of Object.entries(vendor)) put(`usr/lib/systemd/system/${name}`, contents)
  for (const name of TARGETS.split(' ')) {
    copyFileSync(`/lib/systemd/system/${name}.target`, join(path, `usr/lib/systemd/system/${name}.target`))
  }
  for (const name of PROGRAMS) put(`usr/bin/${name}`, '#!/bin/sh\n', 0o755)
  return {
    path,
    units: Object.keys(vendor),
    placeOem: (file, bytes, mode) => put(`usr/share/oem${file}`, bytes, mode),
    placeUnit: (name, contents) => put(`etc/systemd/system/${name}`, contents),
    verify: (name) => {
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${path}`, name], {
        encoding: 'utf8',
      })
      return status === 0 ? stderr : `${stderr}exit ${status}`
    },
  }
}

/** What an outside program says of a file; empty when it is content. */
export function judged(program: string, args: readonly string[]): string {
  try {
    execFileSync(program, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
