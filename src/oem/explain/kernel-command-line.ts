/**
 * The kernel command line that GRUB builds out of the vendor's configuration and the OEM grub.cfg.
 *
 * The vendor's steps, in their order: defaults; the OEM grub.cfg is sourced; first boot; disk GUID; OEM id; consoles where
 * none are set; then all of it in one line. Sources: coreos/scripts and flatcar/scripts build_library/grub.cfg. That GRUB
 * puts the kernel's path and the USR partition before these arguments, and verity.usrhash behind them, is from
 * /proc/cmdline of machines (flatcar/Flatcar and coreos/bugs issues).
 */
import { evaluateGrubCfg } from '../grub/evaluate.js'
import { kernelArguments } from '../grub/kernel-arguments.js'
import { GRUB_CFG_PATH } from '../release/eras.js'
import { type GrubFacts, grubFactsOf } from '../release/grub-facts.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import type { KernelCommandLine } from './explanation.js'
import { type BootTree, fileText, hasFile } from './tree.js'

const MACHINES = [
  { machine: 'pc', cpu: 'i386' },
  { machine: 'efi', cpu: 'x86_64' },
] as const
const BEGINNING = ['rootflags=rw', 'mount.usrflags=ro', 'consoleblank=0']

export function explainCommandLines(tree: BootTree, release: ImageRelease): readonly KernelCommandLine[] {
  const facts = grubFactsOf(release)
  if (facts === 'unknown') return []
  return MACHINES.map(({ machine, cpu }) => commandLine(tree, release, facts, machine, cpu))
}

function commandLine(
  tree: BootTree,
  release: ImageRelease,
  facts: GrubFacts,
  machine: 'pc' | 'efi',
  cpu: string,
): KernelCommandLine {
  const text = fileText(tree, GRUB_CFG_PATH)
  const unread = whyUnread(tree, release, facts, machine)
  const environment = new Map([
    ['grub_platform', machine],
    ['grub_cpu', cpu],
    ['timeout', '1'],
    ['linux_root', 'root=LABEL=ROOT'],
    ...['linux_console', 'first_boot', 'randomize_disk_guid', 'oem_id', 'oem', 'linux_append'].map(
      (name) => [name, ''] as const,
    ),
  ])
  const sourced = text !== undefined && unread === undefined
  const evaluated = evaluateGrubCfg(sourced ? text : '', environment)
  const value = (name: string): readonly string[] => kernelArguments(evaluated.variables.get(name) ?? '')
  const oemId = (evaluated.variables.get('oem_id') ?? '').trim()
  const consoles = value('linux_console')
  const firstBoot = facts.firstBoot === undefined ? value('first_boot') : [facts.firstBoot]
  const randomize = facts.randomizeDiskGuid === undefined ? [] : [facts.randomizeDiskGuid]
  return {
    machine,
    grubCfg: !hasFile(tree, GRUB_CFG_PATH) ? 'absent' : sourced ? 'sourced' : 'not read',
    why: hasFile(tree, GRUB_CFG_PATH)
      ? (unread ?? (sourced ? undefined : 'it is too big to be looked into'))
      : undefined,
    arguments: [
      ...BEGINNING,
      ...value('linux_root'),
      ...(consoles.length === 0 ? kernelArguments(facts.consoles[machine]) : consoles),
      ...firstBoot,
      ...randomize,
      ...kernelArguments(facts.extra[machine] ?? ''),
      ...(oemId === '' || facts.oemIdArgument === undefined ? [] : kernelArguments(`${facts.oemIdArgument}=${oemId}`)),
      ...value('linux_append'),
    ],
    // What the OEM grub.cfg sets itself is there at every boot.
    firstBootOnly: facts.firstBoot === undefined ? randomize : [facts.firstBoot, ...randomize],
    uncertain: [
      ...(evaluated.syntaxFault === undefined
        ? []
        : [`line ${evaluated.syntaxFault.line}: GRUB stumbles: ${evaluated.syntaxFault.says}`]),
      ...evaluated.unknown.map(({ line, says }) => `line ${line}: ${says}`),
    ],
  }
}

/** Why GRUB would not source a grub.cfg; undefined when it does. */
function whyUnread(
  { filesystem }: BootTree,
  release: ImageRelease,
  facts: GrubFacts,
  machine: 'pc' | 'efi',
): string | undefined {
  if (!facts.sourcesOemGrubCfg)
    return `the boot loader of ${formatRelease(release)} reads nothing from the OEM partition`
  if (machine === 'pc' || filesystem === undefined || facts.readsOnEfi.includes(filesystem)) return undefined
  return `on UEFI machines GRUB of ${formatRelease(release)} can't read ${filesystem === 'ext' ? 'ext4' : filesystem}`
}

/** The value of the last argument of that name, as the initrd's scripts take it. */
export function argumentValue(line: Pick<KernelCommandLine, 'arguments'>, name: string): string | undefined {
  return line.arguments.findLast((argument) => argument.startsWith(`${name}=`))?.slice(name.length + 1)
}
