/**
 * The first lines of every report: which image, who vouches for it, which release, what it is made of.
 */

import type { BakedBy } from '../../oem/history/baked-by.js'
import { HISTORY_PATH } from '../../oem/history/history.js'
import { formatRelease, type ImageRelease, type KnownRelease } from '../../oem/release/release.js'
import type { InspectReport } from '../../report.js'
import type { Verification } from '../../trust/verification.js'
import { formatBytes } from '../../units.js'
import { printable } from './table.js'

const SAID_BY: Readonly<Record<KnownRelease['from'], string>> = {
  request: 'as --release says',
  'version.txt': 'as version.txt beside it says, unsigned',
  image: 'as the image says',
}

const INDEX_WORDS: Readonly<Record<'cached' | 'tail' | 'full', string>> = {
  cached: 'blocks known from an earlier run',
  tail: 'blocks found from the end',
  full: 'every block checked',
}

export function headText(
  { image, release, engine }: Pick<InspectReport, 'image' | 'release' | 'engine'>,
  bakedBy?: BakedBy,
): string[] {
  const { codec, oemPartition } = image
  const packed = codec.kind === 'bzip2' ? ` in bzip2 (level ${codec.level}, ${INDEX_WORDS[codec.index]})` : ''
  return [
    `image       ${printable(image.path)}`,
    `origin      ${originText(image.verification)}`,
    `release     ${printable(releaseText(release))}`,
    `format      ${image.format}${packed}, disk of ${formatBytes(image.diskBytes)}, ${image.mbr} MBR`,
    `OEM         partition ${oemPartition.number}, ${oemPartition.filesystem}, ${formatBytes(oemPartition.sizeBytes)}`,
    `engine      ${engine}`,
    ...(bakedBy === undefined ? [] : [`baked       ${printable(bakedText(bakedBy))}`]),
  ]
}

const STATUS_WORDS: Readonly<Record<Verification['status'], string>> = {
  signature: 'signed',
  digest: 'DIGEST',
  unverified: 'UNVERIFIED',
  off: 'NOT VERIFIED',
}

export function originText({ status, reason }: Verification): string {
  return `${STATUS_WORDS[status]}: ${printable(reason)}`
}

function bakedText(baked: BakedBy): string {
  switch (baked.kind) {
    case 'damaged':
      return `its history ${HISTORY_PATH} is none that oem-bake wrote: ${baked.reason}`
    case 'newer':
      return `by ${baked.version === undefined ? 'a newer oem-bake' : `oem-bake ${baked.version}`}, whose history this version can't read`
    case 'oem-bake': {
      const { version, template, written, edited, missing, displaced } = baked
      const counts = [
        `${written} ${written === 1 ? 'file' : 'files'}`,
        ...(edited.length === 0 ? [] : [`${edited.length} changed since`]),
        ...(missing.length === 0 ? [] : [`${missing.length} gone since`]),
        ...(displaced === 0 ? [] : [`${displaced} of before replaced or removed`]),
      ]
      return `by oem-bake ${version}${template === undefined ? '' : `, template ${template.name}`}: ${counts.join(', ')}`
    }
  }
}

function releaseText(release: ImageRelease): string {
  return release.kind === 'known' ? `${formatRelease(release)}, ${SAID_BY[release.from]}` : `unknown: ${release.reason}`
}
