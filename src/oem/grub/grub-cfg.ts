/**
 * The OEM grub.cfg: what GRUB sources from the OEM partition before it builds the kernel command line.
 *
 * `oem_id` becomes `coreos.oem.id=` (`flatcar.oem.id=`), the Ignition platform; `linux_append` goes last onto the command
 * line; `linux_console` replaces both default consoles. Sources: coreos/scripts and flatcar/scripts
 * build_library/grub.cfg; flatcar/bootengine dracut/30ignition/ignition-kargs-helper, which rewrites `linux_append` and
 * understands only unindented `set linux_append="…"` lines.
 */
import { UsageError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { type Assignment, parseAssignments, quoteGrub } from './grub-script.js'
import { GRUB_RULES } from './rules.js'

/** What Ignition's registries and the vendors' tools use; nothing that a shell or a kernel command line would split. */
const OEM_ID = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** @throws ERR_OEM_ID_INVALID */
export function assertOemId(id: string): void {
  if (OEM_ID.test(id)) return
  throw new UsageError('ERR_OEM_ID_INVALID', `OEM id ${JSON.stringify(id)} is not a platform id`, {
    hint: 'use up to 63 lower-case letters, digits, dots, dashes and underscores, such as rackspace or ec2',
    details: { oemId: id },
  })
}

export interface GrubCfg {
  readonly assignments: readonly Assignment[]
  /** What `oem_id` is after the file was read; undefined when it is not set, set empty, or not to be known from here. */
  readonly oemId: string | undefined
}

export function parseGrubCfg(text: string): GrubCfg {
  const assignments = parseAssignments(text)
  // A conditional one may not run: the last that surely runs counts, a conditional one only when there is no other.
  const ids = assignments.filter((assignment) => assignment.name === 'oem_id')
  const last = ids.findLast((assignment) => !assignment.conditional) ?? ids.at(-1)
  return { assignments, oemId: last?.value === '' ? undefined : last?.value }
}

export interface GrubSettings {
  readonly oemId: string
  /** Kernel arguments after what other files appended. */
  readonly linuxAppend?: string
  /** Replaces the default consoles. */
  readonly linuxConsole?: string
}

/** A grub.cfg from nothing. */
export function formatGrubCfg(settings: GrubSettings): string {
  const lines = ['# OEM settings, sourced by GRUB', `set oem_id=${quoteGrub(settings.oemId)}`]
  if (settings.linuxAppend !== undefined) {
    // The expansion keeps what was appended before; quoteGrub would escape its dollar sign.
    lines.push(`set linux_append="$linux_append ${quoteGrub(settings.linuxAppend).slice(1)}`)
  }
  if (settings.linuxConsole !== undefined) lines.push(`set linux_console=${quoteGrub(settings.linuxConsole)}`)
  return `${lines.join('\n')}\n`
}

/** The same file with another `oem_id`; every other byte stays. Without one, a line is added at the top. */
export function withOemId(text: string, oemId: string): string {
  const places = parseAssignments(text).filter((assignment) => assignment.name === 'oem_id')
  // A lone conditional assignment may not run, so it does not count as setting the id.
  const edited = places.reduceRight(
    (result, place) => `${result.slice(0, place.start)}oem_id=${quoteGrub(oemId)}${result.slice(place.end)}`,
    text,
  )
  const isSet = places.some((place) => !place.conditional)
  return isSet ? edited : `set oem_id=${quoteGrub(oemId)}\n${edited}`
}

/** What makes GRUB, the kernel or the kernel-arguments helper misread the file. */
export function checkGrubCfg(text: string, file: string): readonly Finding[] {
  const findings: Finding[] = []
  if (text.includes('\r')) {
    findings.push(
      GRUB_RULES.found('grub-cr', `${file} has carriage returns: GRUB takes them as part of values`, {
        hint: 'save it with LF line ends',
      }),
    )
  }
  for (const assignment of parseGrubCfg(text).assignments) {
    const place = { file, line: assignment.line }
    if (assignment.name !== 'linux_append') continue
    if (assignment.source.includes('ignition.platform.id=')) {
      findings.push(
        GRUB_RULES.found(
          'grub-platform-id',
          `ignition.platform.id in linux_append does not choose Ignition's platform`,
          { place, hint: 'set oem_id instead' },
        ),
      )
    }
    if (!/\$\{?linux_append\b/.test(assignment.source)) {
      findings.push(
        GRUB_RULES.found('grub-append-overwrites', `linux_append is overwritten, not appended to`, {
          place,
          hint: 'write set linux_append="$linux_append …"',
        }),
      )
    }
    if (!assignment.unindented || assignment.conditional || !assignment.source.startsWith('"')) {
      findings.push(
        GRUB_RULES.found(
          'grub-append-form',
          `Flatcar's kernel-arguments helper misreads a linux_append that is indented, conditional or not double-quoted`,
          { place, hint: 'write set linux_append="$linux_append …" on an unindented line of its own' },
        ),
      )
    }
  }
  return findings
}
