/** Bakes with the libguestfs engine in which one command of guestfish goes wrong, and what is left afterwards. */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { runCli, runEnvironment } from './command-line.js'
import { type GuestfishFault, writeFailingGuestfish } from './failing-guestfish.js'
import { makeSmallDisk } from './small-disk.js'
import { sha256File } from './snapshot.js'

export interface GuestfishTarget {
  readonly directory: string
  readonly image: string
  readonly imageSha256: string
}

/** A btrfs OEM partition with something to remove, to replace and to keep. */
export function makeTarget(directory: string): GuestfishTarget {
  const image = makeSmallDisk(join(directory, 'image.img'), {
    oem: 'btrfs',
    oemFiles: { '/grub.cfg': '# the older one\n', '/old/file': 'old\n', '/kept': 'kept\n' },
  })
  return { directory, image, imageSha256: sha256File(image) }
}

export interface GuestfishOutcome {
  readonly commands: readonly string[]
  readonly exitCode: number | null
  /** The line that begins with `error:`. */
  readonly error: string
  /** Promises that were not kept. */
  readonly faults: readonly string[]
}

/** @param fault nothing goes wrong without it */
export async function bakeThrough(
  { directory, image, imageSha256 }: GuestfishTarget,
  fault?: { readonly kind: GuestfishFault; readonly nth: number },
): Promise<GuestfishOutcome> {
  const place = mkdtempSync(join(directory, 'run-'))
  for (const name of ['bin', 'out', 'tmp']) mkdirSync(join(place, name))
  const content = join(place, 'cloud-config.yml')
  writeFileSync(content, '#cloud-config\nhostname: fault\n')
  const guestfish = writeFailingGuestfish(join(place, 'bin'), fault)
  const sinceMs = Date.now()
  const { exitCode, stderr } = await runCli(
    [
      ...[image, '--oem-id', 'ec2', '--cloud-config', content, '--file', `${content}:/new/deep/file`],
      ...['--remove', '/old', '--existing', 'merge', '--output', join(place, 'out', 'edition.img')],
    ],
    { env: { ...runEnvironment(join(place, 'tmp')), PATH: guestfish.path } },
  )
  const commands = guestfish.commands()
  const errors = stderr.split('\n').filter((line) => line.startsWith('error: '))
  const faults: string[] = []
  await untilNothingIsLeft(place, sinceMs, 0).catch((error) => faults.push(String(error)))
  if (sha256File(image) !== imageSha256) faults.push('the input was changed')
  if (readdirSync(join(place, 'tmp')).length > 0) faults.push(`left in tmp: ${readdirSync(join(place, 'tmp'))}`)
  const out = readdirSync(join(place, 'out'))
  if (exitCode !== 0) {
    if (out.length > 0) faults.push(`left in out: ${out}`)
    if (exitCode !== 6) faults.push(`exit code ${exitCode}: ${stderr}`)
    if (errors.length !== 1) faults.push(`${errors.length} errors: ${stderr}`)
  } else if (fault !== undefined && commands.length >= fault.nth) faults.push('success')
  return { commands, exitCode, error: errors[0] ?? '', faults }
}
