/**
 * What `explain` says that GRUB will hand to the kernel, against a machine that boots: an image is baked, GRUB finds its OEM
 * partition, sources its grub.cfg and starts a Linux, which prints /proc/cmdline.
 *
 * This proves how OEM grub.cfg files are evaluated, and the order in which the command line is put together as far as we
 * know the vendor's configuration: that one is rewritten here (`vendor-grub-cfg.ts`), and the GRUB is Debian's. It does not
 * prove that a vendor's kernel and initramfs boot.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BootMedium, makeBootMedium } from '../support/boot/boot-medium.js'
import { BOOT_TIMEOUT_MS, bootedCommandLine } from '../support/boot/machine.js'
import { vendorGrubCfg } from '../support/boot/vendor-grub-cfg.js'
import { runCli } from '../support/command-line.js'
import { fixtureImage, type StandardImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'

const DIRECTORY = temporaryDirectory()
/** Everything that a provider may come to write, mistakes included. */
const CUSTOM = `# A cloud of our own
set oem_id=digital"ocean" # quotes come and go
site='fra 1'; zone=$site; plan="$site"
set linux_root="root=LABEL=ROOT rootwait"
if [ "$grub_platform" = pc -a "$grub_cpu" = i386 ]; then
  set linux_console="console=tty0 console=ttyS0,9600"
elif ! [ "$grub_platform" = xen ]; then
  set linux_console="console=ttyS0,115200n8 \\
console=tty1"
else
  set linux_console=wrong
fi
set linux_append="$linux_append zone=$\u007bzone} plan=$plan price=\\$5"
unset site
if [ -n "$site" -o "$zone" != fra ]; then set linux_append="$linux_append wrong"; fi
if [ 0x10 -eq 16 ]; then set linux_append="$linux_append sixteen"; fi
set linux_append="$linux_append lost" && true
if true; then
  set linux_append="$linux_append lost=too"
fi fi
no_such_command
if no_such_command; then set linux_append="$linux_append unknown=true"; fi
set linux_append="  $linux_append quoted=\\"a b\\" path=C:\\\\x it='s  last=yes  "
`

interface Case {
  readonly title: string
  readonly image: StandardImage
  /** Of the bake. */
  readonly flags: readonly string[]
  /** Baked in with --file. */
  readonly grubCfg?: string
}

const CASES: readonly Case[] = [
  { title: 'rackspace', image: 'cl-generic', flags: ['--template', 'rackspace'] },
  { title: 'ec2', image: 'cl-generic', flags: ['--template', 'ec2'] },
  { title: 'azure', image: 'fl-ext4', flags: ['--template', 'azure'] },
  { title: 'gce', image: 'cl-generic', flags: ['--template', 'gce'] },
  {
    title: 'a custom one',
    image: 'fl-ext4',
    flags: ['--ignore', 'grub-syntax', '--ignore', 'grub-unknown-command'],
    grubCfg: CUSTOM,
  },
]

async function cli(...args: readonly string[]): Promise<string> {
  const { exitCode, stderr, stdout } = await runCli(args)
  expect(exitCode, stderr).toBe(0)
  return stdout
}

interface ExplainDocument {
  readonly boot: {
    readonly commandLines: readonly { readonly machine: string; readonly arguments: readonly string[] }[]
  }
}

const media = new Map<string, Promise<BootMedium>>()

/** With the vendor's configuration as Container Linux 2512 and Flatcar 2765 have it. */
async function mediumOf(vendor: 'coreos' | 'flatcar'): Promise<BootMedium> {
  const directory = join(DIRECTORY, vendor)
  const made =
    media.get(vendor) ?? makeBootMedium(directory, vendorGrubCfg({ vendor, randomizeDiskGuid: vendor === 'coreos' }))
  media.set(vendor, made)
  return await made
}

describe('the kernel command line that explain predicts', () => {
  it.each(CASES)(
    'is what machines with BIOS and UEFI get: $title',
    async ({ flags, grubCfg, image, title }) => {
      const directory = join(DIRECTORY, title.replaceAll(' ', '-'))
      mkdirSync(directory)
      const file = join(directory, 'oem.cfg')
      if (grubCfg !== undefined) writeFileSync(file, grubCfg)
      const baked = join(directory, 'baked.bin')
      await cli(
        ...['bake', await fixtureImage(image), '-o', baked, '--engine', 'embedded', '--no-cache', ...flags],
        ...(grubCfg === undefined ? [] : ['--file', `${file}:/grub.cfg`]),
      )
      const explained = JSON.parse(await cli('explain', baked, '--no-cache', '--json')) as ExplainDocument
      const medium = await mediumOf(image === 'fl-ext4' ? 'flatcar' : 'coreos')
      const booted = await Promise.all(
        (['pc', 'efi'] as const).map(async (firmware) => {
          const logs = join(directory, firmware)
          mkdirSync(logs)
          return [firmware, await bootedCommandLine(logs, firmware, medium, baked)]
        }),
      )
      const predicted = explained.boot.commandLines.map((line) => [line.machine, line.arguments.join(' ')])
      expect(Object.fromEntries(booted)).toEqual(Object.fromEntries(predicted))
      rmSync(directory, { recursive: true })
    },
    BOOT_TIMEOUT_MS + 60_000,
  )
})
