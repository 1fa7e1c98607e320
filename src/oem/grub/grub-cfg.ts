/**
 * The OEM grub.cfg: what GRUB sources from the OEM partition before it builds the kernel command line.
 *
 * `oem_id` becomes `coreos.oem.id=` (`flatcar.oem.id=`), the Ignition platform; `linux_append` goes last onto the command
 * line; `linux_console` replaces both default consoles. Sources: coreos/scripts and flatcar/scripts
 * build_library/grub.cfg.
 */
import { UsageError } from '../../errors.js'
import { GRUB_MACHINES, type GrubMachine } from '../release/grub-facts.js'
import { type Assignment, assignmentsIn } from './assignments.js'
import type { GrubRun } from './evaluate.js'
import { runOnEachMachine } from './machines.js'
import { parseGrubScript } from './parser.js'
import { quoteGrub } from './quote.js'
import type { Script } from './syntax.js'

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
  readonly text: string
  readonly script: Script
  readonly assignments: readonly Assignment[]
  /** What each kind of machine makes of it. */
  readonly runs: ReadonlyMap<GrubMachine, GrubRun>
  /** By kind of machine; undefined where none is set. */
  readonly oemIds: ReadonlyMap<GrubMachine, string | undefined>
  /** The first of these that is set: machines that differ are a finding. */
  readonly oemId: string | undefined
}

export function parseGrubCfg(text: string): GrubCfg {
  const script = parseGrubScript(text)
  const runs = runOnEachMachine(text, script)
  const oemIds = new Map(GRUB_MACHINES.map((machine) => [machine, valueOn(runs, machine, 'oem_id')]))
  const oemId = [...oemIds.values()].find((id) => id !== undefined)
  return { text, script, assignments: assignmentsIn(script), runs, oemIds, oemId }
}

function valueOn(runs: ReadonlyMap<GrubMachine, GrubRun>, machine: GrubMachine, name: string): string | undefined {
  const value = runs.get(machine)?.variables.get(name)
  return value === '' ? undefined : value
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

/** The same file with another `oem_id`; every other byte stays. Where a machine would be left without, a line is added at the top. */
export function withOemId(text: string, oemId: string): string {
  const places = assignmentsIn(parseGrubScript(text)).filter(({ name }) => name === 'oem_id')
  const edited = places.reduceRight(
    (result, { word }) => `${result.slice(0, word.start)}oem_id=${quoteGrub(oemId)}${result.slice(word.end)}`,
    text,
  )
  const isSet = [...parseGrubCfg(edited).oemIds.values()].every((id) => id === oemId)
  return isSet ? edited : `set oem_id=${quoteGrub(oemId)}\n${edited}`
}
