/**
 * The proof as text: which two files, who vouches for the first, whether nothing else differs, and what changed.
 */
import type { ChangedPath, OutsideReport, ProofReport, ProvedEntry, ProvedImage } from '../../prove/proof.js'
import { formatBytes } from '../../units.js'
import { originText } from './head.js'
import { printable, table } from './table.js'

export function proofText(report: ProofReport): string {
  const { baked, files, holds, oemPartition, original, outside, verification } = report
  const { firstSector, number, sectors } = oemPartition
  const range = `sectors ${firstSector} to ${firstSector + sectors - 1}`
  return [
    `original    ${printable(original.path)}`,
    `            ${formatText(original)}`,
    `            sha256 ${original.sha256}`,
    `baked       ${printable(baked.path)}`,
    `            ${formatText(baked)}`,
    `            sha256 ${baked.sha256}`,
    `origin      ${originText(verification)}`,
    `compared    ${comparisonText(report)}`,
    `OEM         partition ${number}, ${range}${filesystemText(report)}`,
    '',
    ...(outside === undefined ? [] : outsideText(outside, range)),
    ...(files === undefined ? [] : filesText(files, oemPartition.differingSectors ?? 0)),
    '',
    holds ? 'PROVED: nothing but the OEM partition differs' : `NOT PROVED: ${printable(report.reason ?? '')}`,
    '',
  ].join('\n')
}

function formatText({ compression, diskBytes, format }: ProvedImage): string {
  return `${format}${compression === 'none' ? '' : ` in ${compression}`}, disk of ${formatBytes(diskBytes)}`
}

function comparisonText({ comparison }: ProofReport): string {
  if (comparison.by === 'bytes') return 'byte for byte'
  return comparison.everyBlockChecked
    ? 'block by block, every block checked'
    : 'block by block from the end; blocks that both files have were not decoded'
}

function filesystemText({ oemPartition: { filesystem } }: ProofReport): string {
  if (filesystem === undefined) return ''
  const { after, before } = filesystem
  const name = ({ kind, label, uuid }: typeof before) => `${kind} ${printable(label)} ${uuid}`
  const isSame = name(before) === name(after)
  return isSame ? `, ${before.kind}` : `, ${name(before)}, now ${name(after)}`
}

function outsideText({ differingRanges, first, identical }: OutsideReport, range: string): string[] {
  if (identical) return [`Identical outside the OEM partition (${range})`]
  const rows = first.map(({ firstSector, place, sectors }) => [
    String(firstSector),
    sectors === 1 ? '1 sector' : `${sectors} sectors`,
    printable(place),
  ])
  const more = differingRanges - first.length
  return [
    `Different outside the OEM partition (${range})`,
    ...table(rows, ['right', 'right', 'left']),
    ...(more > 0 ? [`  and ${more} more ${more === 1 ? 'place' : 'places'}`] : []),
  ]
}

function filesText(files: readonly ChangedPath[], differingSectors: number): string[] {
  if (differingSectors === 0) return ['The OEM partition is the same, too']
  if (files.length === 0) return [`No file of the OEM partition differs (${differingSectors} of its sectors do)`]
  const rows = files.flatMap((file) => [
    [file.change, printable(file.path)],
    ...(file.change === 'added' ? [] : [['', `before  ${entryText(file.before)}`]]),
    ...(file.change === 'removed' ? [] : [['', `after   ${entryText(file.after)}`]]),
  ])
  return ['Changed on the OEM partition', ...table(rows, ['left', 'left'])]
}

function entryText({ gid, kind, mode, sha256, target, uid }: ProvedEntry): string {
  const rights = `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`
  if (sha256 !== undefined) return `${rights} ${sha256}`
  return target === undefined ? `${rights} ${kind}` : `${rights} ${kind} to ${printable(target)}`
}
