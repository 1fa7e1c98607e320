/**
 * Everything that reads OpenPGP from a file, called with any bytes: what the fuzz of `test/full` and the property tests call.
 *
 * What must come of any bytes: an answer, soon, that is a value or a fault; and never a verdict of `good` that gpg's keys did not earn.
 */
import { InternalError } from '#src/errors.js'
import { parseSignatureFile } from '#src/trust/find-signature.js'
import { parseArmor, parseClearSigned } from '#src/trust/openpgp/armor.js'
import { NoKeys } from '#src/trust/openpgp/key-file.js'
import { type Certificate, readCertificates } from '#src/trust/openpgp/keys.js'
import { digestFor, parseSignatures } from '#src/trust/openpgp/signature-packet.js'
import { judge } from '#src/trust/openpgp/verify-signature.js'

export type Reached = 'fault' | 'no signature' | 'judged' | 'good'

/** As the file of a detached signature of `document`, down to the verdict. */
export async function feedSignature(bytes: Buffer, document: Buffer, keys: readonly Certificate[]): Promise<Reached> {
  const parsed = parseSignatureFile(bytes)
  if ('fault' in parsed) return 'fault'
  let reached: Reached = 'no signature'
  for (const signature of parsed) {
    if ('unread' in signature) continue
    const verdict = await judge(signature, digestFor(signature, document), keys, new Date('2026-11-25T00:00:00Z'))
    if (verdict.kind === 'good') reached = 'good'
    else if (reached === 'no signature') reached = 'judged'
  }
  return reached
}

/** As text with armor in it, clear-signed text, and bare packets. Anything but a fault or a value is thrown. */
export function feedText(bytes: Buffer): void {
  const text = bytes.toString('utf8')
  for (const parsed of [parseArmor(text), parseClearSigned(bytes), parseSignatures(bytes)])
    if ('fault' in parsed && parsed.fault === '') throw new InternalError('ERR_INTERNAL', 'a fault without words')
}

/** As a file of keys: the certificates, or undefined when it is none. Anything but `NoKeys` is thrown. */
export async function feedKeys(bytes: Buffer): Promise<readonly Certificate[] | undefined> {
  try {
    return await readCertificates([{ file: 'fuzzed', bytes }], new Date('2026-11-25T00:00:00Z'))
  } catch (error) {
    if (error instanceof NoKeys) return undefined
    throw error
  }
}
