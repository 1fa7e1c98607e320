/** What `fetch` says on standard error when it is done. */
import type { FetchReport } from '../../fetch/fetch.js'
import { formatRelease } from '../../oem/release/release.js'
import { formatBytes } from '../../units.js'
import { printable } from './table.js'

const HOW: Readonly<Record<FetchReport['how'], string>> = {
  downloaded: 'downloaded',
  cached: 'taken from the cache',
  present: 'was there already',
}

export function fetchText({ how, image, release, url, verification }: FetchReport): string {
  return [
    `image       ${url}`,
    `            ${HOW[how]}, ${formatBytes(image.sizeBytes)}`,
    `release     ${release.kind === 'known' ? formatRelease(release) : `unknown: ${release.reason}`}`,
    `verified    ${verification.status === 'signature' ? verification.reason : `${verification.status}: ${verification.reason}`}`,
  ]
    .map((line) => `${printable(line)}\n`)
    .join('')
}
