/**
 * What is wrong with an OEM grub.cfg on some releases only: Flatcar's helper that rewrites it, and the commands that
 * GRUB's core image lacks.
 *
 * The helper (Flatcar from 3185 on) serves `kernelArguments` of Ignition configs: it takes whatever stands between `set
 * linux_append="` at a line's beginning and the next double quote, deletes from there to the line's last double quote, and
 * writes one line to the end of the file. Source: flatcar/bootengine dracut/30ignition/ignition-kargs-helper.
 */
import type { Finding } from '../finding.js'
import type { ImageRelease } from '../release/release.js'
import { isInScope } from '../release/release-scope.js'
import { type Assignment, commandsIn, literalOf } from './assignments.js'
import { commandNamed } from './commands.js'
import type { GrubCfg } from './grub-cfg.js'
import { GRUB_RULES } from './rules.js'
import { lineFinder } from './source-text.js'

export function checkGrubForRelease(grub: GrubCfg, file: string, release: ImageRelease): readonly Finding[] {
  return [...checkKargsHelper(grub, file, release), ...checkCoreCommands(grub, file, release)]
}

function checkKargsHelper(grub: GrubCfg, file: string, release: ImageRelease): readonly Finding[] {
  const hasHelper = release.kind === 'unknown' || isInScope(release, { distro: 'flatcar', from: 3185 })
  const severity = hasHelper ? 'warning' : 'note'
  const placeOf = lineFinder(grub.text)
  const findings = grub.assignments
    .filter(({ name }) => name === 'linux_append')
    .flatMap((assignment) => {
      const says = misreading(grub.text, assignment)
      if (says === undefined) return []
      return [
        GRUB_RULES.found('grub-append-form', `Flatcar's kernel-arguments helper misreads this: ${says}`, {
          place: { file, ...placeOf(assignment.start) },
          severity,
          hint: 'write set linux_append="$linux_append …" on an unindented line of its own, outside of any if',
        }),
      ]
    })
  if (grub.text === '' || grub.text.endsWith('\n')) return findings
  return [
    ...findings,
    GRUB_RULES.found(
      'grub-last-line',
      "does not end with a newline: Flatcar's kernel-arguments helper would write onto the last line",
      { place: { file, ...placeOf(grub.text.length) }, severity, hint: 'end the last line with a newline' },
    ),
  ]
}

/** What the helper would get wrong; undefined when nothing. */
function misreading(text: string, { conditional, start }: Assignment): string | undefined {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const end = text.indexOf('\n', start)
  const line = text.slice(lineStart, end === -1 ? undefined : end)
  if (!line.startsWith('set linux_append="')) return 'it sees only lines that begin with set linux_append="'
  if (conditional) return 'it takes the line out of its if, and may leave an empty one, which GRUB rejects'
  const match = /^set linux_append="([^"]*)"(.*)$/.exec(line)
  if (match === null) return 'the value goes on in the next line'
  const [, value = '', behind = ''] = match
  if (value.endsWith('\\')) return 'it ends the value at an escaped double quote'
  if (behind.includes('"')) return 'it deletes everything up to the last double quote of the line'
  if (!/^[ \t\r]*(#.*)?$/.test(behind)) return 'it leaves what stands behind the value, for GRUB to reject'
  if (value.includes('$\u007blinux_append}'))
    return 'it takes ' + '$\u007blinux_append} for an argument; it knows $linux_append'
  return undefined
}

function checkCoreCommands(grub: GrubCfg, file: string, release: ImageRelease): readonly Finding[] {
  if (release.kind === 'unknown' || !isInScope(release, { distro: 'flatcar', from: 4186 })) return []
  const placeOf = lineFinder(grub.text)
  return [...commandsIn(grub.script)].flatMap(({ command: { words } }) => {
    const [first] = words
    const name = first === undefined ? undefined : literalOf(first)
    if (first === undefined || name === undefined || commandNamed(name)?.inCore !== false) return []
    return [
      GRUB_RULES.found(
        'grub-core-command',
        `GRUB of UEFI machines has no ${name} since Flatcar 4186: it says so and takes it for a success`,
        { place: { file, ...placeOf(first.start) }, hint: 'do without it' },
      ),
    ]
  })
}
