/** SHA-256 of a file on the partition, where it is known: it was computed there, or its content was read. */
import { createHash } from 'node:crypto'
import type { OemState } from '../describe.js'

export function digestIn(state: OemState, path: string): string | undefined {
  const known = state.digests?.get(path)
  if (known !== undefined) return known
  const bytes = state.contents.get(path)
  return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex')
}
