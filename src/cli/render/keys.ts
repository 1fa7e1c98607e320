/**
 * Keys as text: which there are, which were added, what is wrong with them.
 */
import type { KeyReport, KeysReport } from '../../trust/key-report.js'
import type { AddedKey } from '../../trust/keyring.js'
import { day } from '../../trust/verification.js'
import { printable, table } from './table.js'

export function keysText(keys: readonly KeyReport[]): string {
  if (keys.length === 0) return 'no keys; oem-bake keys add FILE takes one in\n'
  return `${keys.map(keyText).join('\n\n')}\n`
}

function keyText({ files, primaryFingerprint, signing, state, userId, vendor }: KeyReport): string {
  const rows = signing.map((key) => [
    key.fingerprint,
    key.state,
    `${day(key.created)} to ${key.expires === undefined ? 'any time' : day(key.expires)}`,
  ])
  return [
    `${primaryFingerprint}  ${vendor === undefined ? "not a vendor's" : `official: ${vendor}`}${state === 'valid' ? '' : `, ${state}`}`,
    `  ${printable(userId ?? 'without a name')}`,
    ...files.map((file) => `  in ${printable(file)}`),
    ...(rows.length === 0
      ? ['  signs no files']
      : ['  signs files with', ...table(rows, ['left', 'left', 'left'], '    ')]),
  ].join('\n')
}

export function addedText(added: readonly AddedKey[]): string {
  return added
    .map(
      ({ primaryFingerprint, path, added: isNew }) =>
        `${primaryFingerprint}  ${isNew ? 'added as' : 'was there:'} ${printable(path)}\n`,
    )
    .join('')
}

export function doctorText({ keys, findings }: KeysReport): string {
  const said = findings.map(
    ({ severity, message, hint }) =>
      `${severity}: ${printable(message)}${hint === undefined ? '' : `\n  ${printable(hint)}`}\n`,
  )
  return `${keys.length === 0 ? '' : `${keysText(keys)}\n`}${said.length === 0 ? 'nothing is wrong with these keys\n' : said.join('')}`
}
