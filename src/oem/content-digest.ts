/**
 * A digest of what is to go onto the OEM partition, as far as it is known without the image: what tells one edition from the
 * next one of the same name, when its template or a file has changed meanwhile.
 */
import { createHash } from 'node:crypto'
import type { OemContent } from './content.js'

/** @returns lower-case hex */
export function contentSha256({ files, oemId, remove, template }: OemContent): string {
  const listed = files.map(({ mode, path, scopes, sha256 }) => [path, mode, sha256, scopes])
  return createHash('sha256')
    .update(JSON.stringify({ template: template?.sha256 ?? null, oemId: oemId ?? null, files: listed, remove }))
    .digest('hex')
}
