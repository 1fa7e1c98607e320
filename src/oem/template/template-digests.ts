/**
 * Digests of a template's own files, as they lie on this machine before anything is filled in: for provenance.
 */
import { basename } from 'node:path'
import { findFiles, loadFile } from '../host-files.js'
import type { Template } from './template.js'

const WHAT = 'template file'

/** Names with the template's directory in front: `rackspace/template.yml`. @throws ERR_INPUT_FILE */
export async function digestTemplateFiles({
  directory,
}: Pick<Template, 'directory'>): Promise<readonly { readonly name: string; readonly sha256: string }[]> {
  // Templates without a slash are rows of a table of ours (`id-only.ts`): the program's version says all of them.
  if (!directory.includes('/')) return []
  const files = await findFiles(directory, WHAT)
  return Promise.all(
    files.map(async ({ path, relativePath }) => ({
      name: `${basename(directory)}/${relativePath}`,
      sha256: (await loadFile(path, WHAT)).sha256,
    })),
  )
}
