/**
 * Who vouches for a file, as text.
 */
import { formatAlgorithm } from '../../trust/digests.js'
import type { Signer } from '../../trust/verification.js'
import type { VerifyReport } from '../../trust/verify-file.js'
import { formatBytes } from '../../units.js'
import { printable } from './table.js'

export function verifyText({ image, verification, digests }: VerifyReport): string {
  const checked = 'digests' in verification ? verification.digests : []
  const told = Object.entries(digests).filter(([algorithm]) => !checked.some((one) => one.algorithm === algorithm))
  const lines = [
    `file        ${printable(image.path)}, ${formatBytes(image.sizeBytes)}`,
    ...checked.map(({ algorithm, file }) => `${formatAlgorithm(algorithm)}     as in ${printable(file)}`),
    ...told.map(([algorithm, hex]) => `${algorithm.padEnd(11)} ${hex}`),
  ]
  if (verification.status !== 'signature')
    return [...lines, `verdict     UNVERIFIED: ${printable(verification.reason)}`, ''].join('\n')
  const { covers, cosigners, file, signer } = verification
  return [
    ...lines,
    `signature   ${printable(file)}${covers === 'image' ? '' : ', of the digests'}`,
    ...[signer, ...cosigners].flatMap(signerText),
    `verdict     good${signer.vendor === undefined ? ", by a key that is not a vendor's" : `, by ${signer.vendor}`}`,
    '',
  ].join('\n')
}

function signerText({
  created,
  expiredSince,
  hash,
  keyFingerprint,
  primaryFingerprint,
  userId,
}: Signer): readonly string[] {
  return [
    `signed by   ${primaryFingerprint}${userId === undefined ? '' : `, ${printable(userId)}`}`,
    ...(keyFingerprint === primaryFingerprint ? [] : [`with subkey ${keyFingerprint}`]),
    `made        ${created}, with ${hash}`,
    ...(expiredSince === undefined ? [] : [`            the key was valid then, and expired on ${expiredSince}`]),
  ]
}
