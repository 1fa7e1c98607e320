/**
 * Whether an image has been booted, and what follows from it.
 *
 * Machines from a booted image share what a first boot makes only once: disk GUID, machine-id, SSH host keys; and without
 * the mark `first_boot` Ignition never runs on them, so that nothing of what is baked takes effect. So such an image is
 * refused, unless `--allow-booted` says that it is meant, which the report then carries. What the partitions tell is kept
 * in the cache by the file's SHA-256: a file that was looked into once is not looked into again.
 */
import { FIRST_BOOT_DISK_GUID } from '../disk/gpt/guid.js'
import type { LocatedOem } from '../disk/locate-oem.js'
import { RefusedError } from '../errors.js'
import { grubFactsOf } from '../oem/release/grub-facts.js'
import type { ImageRelease } from '../oem/release/release.js'
import type { RunContext } from '../progress.js'
import { lookForTraces, SIGNS, type Sign, type Trace } from './traces.js'

export interface BootedReport {
  /** `unknown`: no trace was found where one could be looked for, and some could not be. */
  readonly verdict: 'fresh' | 'booted' | 'unknown'
  /** Every sign, with what was found. */
  readonly traces: readonly Trace[]
  /** The image has been booted, and was baked all the same, because `--allow-booted` said so. */
  readonly allowed: boolean
}

/** A verdict, and what is worth keeping of it. */
export interface Booted {
  readonly report: BootedReport
  readonly notes: Readonly<Record<string, string>>
}

/** Name of the note that keeps the traces; its value begins with a format, to be changed with what is looked for. */
const NOTE = 'booted'
const FORMAT = '1 '
/** Container Linux from this branch on (2015-11) has the disk GUID replaced by the first boot. */
const DISK_GUID_SINCE = 853

/** @param notes of an earlier run on the same file */
export async function examineBooted(
  located: LocatedOem,
  release: ImageRelease,
  notes: Readonly<Record<string, string>>,
): Promise<Booted> {
  const kept = parseNote(notes[NOTE])
  const onPartitions = kept ?? (await lookForTraces(located))
  const traces = [diskGuidTrace(located.gpt.diskGuid), ...onPartitions].map((trace) => inEra(trace, release))
  const verdict = traces.some(({ found }) => found === 'booted')
    ? 'booted'
    : traces.every(({ found }) => found === 'fresh')
      ? 'fresh'
      : 'unknown'
  return {
    report: { verdict, traces, allowed: false },
    notes: { [NOTE]: FORMAT + JSON.stringify(onPartitions) },
  }
}

/**
 * @returns the report as it goes on record
 * @throws ERR_IMAGE_BOOTED with every sign
 */
export function assertNeverBooted(
  report: BootedReport,
  allowBooted: boolean,
  context: Pick<RunContext, 'report'>,
): BootedReport {
  if (report.verdict !== 'booted') return report
  const reasons = report.traces.flatMap(({ found, detail }) => (found === 'booted' ? [detail] : [])).join('; ')
  if (!allowBooted)
    throw new RefusedError('ERR_IMAGE_BOOTED', `the image has been booted before: ${reasons}`, {
      hint: 'use the image as it was published: machines made from this one would share an identity, and Ignition may never run\n--allow-booted bakes it all the same',
      details: { signs: bootSigns(report) },
    })
  context.report({
    kind: 'warning',
    code: 'IMAGE_BOOTED',
    message: `the image has been booted before, and is taken because of --allow-booted: ${reasons}`,
  })
  return { ...report, allowed: true }
}

/** What shows that a machine has run from the image. */
export function bootSigns({ traces }: BootedReport): readonly Sign[] {
  return traces.flatMap(({ found, sign }) => (found === 'booted' ? [sign] : []))
}

function diskGuidTrace(diskGuid: string): Trace {
  return diskGuid === FIRST_BOOT_DISK_GUID
    ? { sign: 'disk-guid', found: 'fresh', detail: `the disk GUID is ${diskGuid}, as published` }
    : { sign: 'disk-guid', found: 'booted', detail: `the disk GUID is ${diskGuid}, expected ${FIRST_BOOT_DISK_GUID}` }
}

/** What is a sign today was none before its release; an unknown release is one of today. */
function inEra(trace: Trace, release: ImageRelease): Trace {
  if (trace.found !== 'booted' || release.kind !== 'known') return trace
  const facts = grubFactsOf(release)
  const isSign =
    trace.sign === 'first-boot-flag'
      ? facts === 'unknown' || facts.firstBoot?.endsWith('=detected') === true
      : trace.sign !== 'disk-guid' || release.distro === 'flatcar' || release.branch >= DISK_GUID_SINCE
  return isSign ? trace : { ...trace, found: 'unknown', detail: `${trace.detail}, which is no sign on this release` }
}

/** @returns undefined for what was not written by this version */
function parseNote(note: string | undefined): readonly Trace[] | undefined {
  if (note === undefined || !note.startsWith(FORMAT)) return undefined
  const traces: unknown = JSON.parse(note.slice(FORMAT.length))
  return Array.isArray(traces) && traces.every(isTrace) ? traces : undefined
}

function isTrace(value: unknown): value is Trace {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sign' in value &&
    SIGNS.some((sign) => sign === value.sign) &&
    'found' in value &&
    (value.found === 'fresh' || value.found === 'booted' || value.found === 'unknown') &&
    'detail' in value &&
    typeof value.detail === 'string'
  )
}
