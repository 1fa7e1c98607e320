/**
 * Reports as text: what an image is, what a bake would change, what it did.
 */
import type { BootedReport } from '../../booted/booted.js'
import type { OemEntry } from '../../engine/engine.js'
import type { ImageReport, InspectReport, PlanReport } from '../../report.js'
import { formatBytes, SECTOR_BYTES } from '../../units.js'
import { bootSummary } from './boot.js'
import { headText } from './head.js'
import { printable, table } from './table.js'

export function inspectText(report: InspectReport): string {
  const { image, oem, space } = report
  return [
    ...headText(report, oem.bakedBy),
    ...bootedText(image.booted),
    `oem_id      ${printable(oem.oemId ?? 'not set')}`,
    `OEM files   ${printable(oem.vendorSet ?? 'of no known vendor')}`,
    `OEM space   ${formatBytes(space.freeBytes)} free of ${formatBytes(space.totalBytes)}${space.freeInodes === undefined ? '' : `, ${space.freeInodes} inodes free`}`,
    '',
    'Partitions',
    ...partitionsText(image),
    '',
    'OEM partition',
    ...entriesText(report.entries),
    '',
  ].join('\n')
}

const BOOTED_WORDS: Readonly<Record<BootedReport['verdict'], string>> = {
  fresh: 'still to come',
  booted: 'done before',
  unknown: 'still to come, as far as can be told',
}

/** The verdict, and below it what is not as it should be. */
function bootedText({ verdict, traces }: BootedReport): string[] {
  const told = traces.filter(({ found }) => found === 'booted' || (found === 'unknown' && verdict !== 'fresh'))
  return [
    `first boot  ${BOOTED_WORDS[verdict]}`,
    ...told.map(({ found, detail }) => `            ${found === 'booted' ? '' : 'not told: '}${printable(detail)}`),
  ]
}

export function planText(report: PlanReport): string {
  const { plan } = report
  const rows = plan.changes.map(({ action, mode, sizeBytes, path, origin }) => [
    action,
    mode === undefined ? '' : mode.toString(8).padStart(4, '0'),
    sizeBytes === undefined ? '' : formatBytes(sizeBytes),
    printable(path),
    printable(origin ?? ''),
  ])
  return [
    ...headText(report, plan.history.before),
    ...(report.image.booted.allowed ? bootedText(report.image.booted) : []),
    `oem_id      ${printable(plan.oemId ?? 'not set')}`,
    `OEM space   ${formatBytes(plan.space.freeBytesBefore)} free, ${formatBytes(Math.max(0, plan.space.freeBytesAfter))} after`,
    ...ignoredText(plan.ignored),
    '',
    plan.edits.length === 0 ? 'Nothing would change' : 'Files on the OEM partition',
    ...table(rows, ['left', 'left', 'right', 'left', 'left']),
    '',
    ...bootSummary(plan.boot),
    '',
  ].join('\n')
}

function ignoredText(ignored: PlanReport['plan']['ignored']): string[] {
  const names = [...new Set(ignored.map(({ rule }) => rule))]
  return names.length === 0 ? [] : [`ignored     ${ignored.length} findings of ${names.join(', ')}`]
}

function partitionsText(image: ImageReport): string[] {
  return table(
    image.partitions.map(({ number, label, type, firstSector, sectors, partitionGuid }) => [
      String(number),
      printable(label),
      type,
      String(firstSector),
      formatBytes(sectors * SECTOR_BYTES),
      partitionGuid,
    ]),
    ['right', 'left', 'left', 'right', 'right', 'left'],
  )
}

function entriesText(entries: readonly OemEntry[]): string[] {
  if (entries.length === 0) return ['  empty']
  const letter = { file: '-', directory: 'd', symlink: 'l', other: '?' } as const
  return table(
    entries.map(({ kind, mode, uid, gid, sizeBytes, path, target }) => [
      `${letter[kind]}${mode.toString(8).padStart(4, '0')}`,
      `${uid}:${gid}`,
      kind === 'file' ? formatBytes(sizeBytes) : '',
      printable(path) + (target === undefined ? '' : ` -> ${printable(target)}`),
    ]),
    ['left', 'left', 'right', 'left'],
  )
}
