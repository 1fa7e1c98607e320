/** A machine in QEMU's software emulation that boots from a medium, with an image as its other disk. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import type { BootMedium } from './boot-medium.js'
import { BEGIN_MARK, END_MARK } from './init-program.js'

export type Firmware = 'pc' | 'efi'

/** Debian's ovmf package. */
const OVMF = '/usr/share/OVMF'
/** A boot takes 10 s of a core that does nothing else. */
export const BOOT_TIMEOUT_MS = 240_000

/**
 * Boots once; nothing is written to the image.
 *
 * @returns the kernel's command line, without the path of the kernel that GRUB puts first
 */
export async function bootedCommandLine(
  directory: string,
  firmware: Firmware,
  medium: BootMedium,
  image: string,
): Promise<string> {
  const [messages, answer] = [join(directory, 'ttyS0.log'), join(directory, 'ttyS1.log')]
  const disk = (name: string, file: string, bootIndex?: number) => [
    ...['-drive', `if=none,id=${name},file=${file},format=raw,readonly=on`],
    ...['-device', `virtio-blk-pci,drive=${name}${bootIndex === undefined ? '' : `,bootindex=${bootIndex}`}`],
  ]
  const arguments_ = [
    ...['-accel', 'tcg', '-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${messages}`],
    ...['-serial', `file:${answer}`],
    ...(firmware === 'pc'
      ? ['-machine', 'pc', '-m', '256', ...disk('bios', medium.biosDisk, 0), ...disk('medium', medium.disk)]
      : [
          ...['-machine', 'q35', '-m', '512'],
          ...['-drive', `if=pflash,format=raw,readonly=on,file=${join(OVMF, 'OVMF_CODE_4M.fd')}`],
          ...['-drive', `if=pflash,format=raw,snapshot=on,file=${join(OVMF, 'OVMF_VARS_4M.fd')}`],
          ...disk('medium', medium.disk, 0),
        ]),
    // Firmware opens only disks that it could boot from.
    ...disk('image', image, 1),
  ]
  const { timedOut } = await execa('qemu-system-x86_64', arguments_, {
    timeout: BOOT_TIMEOUT_MS,
    forceKillAfterDelay: 1000,
    reject: false,
  })
  const said = existsSync(answer) ? readFileSync(answer, 'latin1').replaceAll('\r', '') : ''
  const begin = said.indexOf(BEGIN_MARK)
  const end = said.indexOf(END_MARK)
  if (begin === -1 || end === -1) {
    const log = existsSync(messages) ? readFileSync(messages, 'latin1').slice(-4000) : ''
    throw new Error(`the machine did not print its command line${timedOut ? ' in time' : ''}; it said:\n${log}`)
  }
  return said
    .slice(begin + BEGIN_MARK.length, end)
    .trim()
    .replace(/^BOOT_IMAGE=\S+ /, '')
}
