/**
 * The check after editing: the OEM tree is what was planned, file by file.
 */
import type { FilesystemReader, OemEntry } from '../../engine/engine.js'
import { PostCheckError } from '../../errors.js'
import type { Plan } from './plan.js'

/**
 * Lists the partition again and compares it with the plan: path, kind, mode, owner, size, and the digest of every file
 * that was written.
 *
 * @throws ERR_CHECK_TREE with the differences
 */
export async function assertTreeAsPlanned(reader: FilesystemReader, plan: Plan): Promise<void> {
  const found = new Map((await reader.list()).map((entry) => [entry.path, entry]))
  const differences: string[] = []
  for (const expected of plan.expected) {
    const entry = found.get(expected.path)
    found.delete(expected.path)
    const wanted = signature(expected)
    const is = entry === undefined ? 'missing' : signature(entry)
    if (is !== wanted) differences.push(`${expected.path}: ${is}, expected ${wanted}`)
    else if (expected.sha256 !== undefined && (await reader.sha256(expected.path)) !== expected.sha256)
      differences.push(`${expected.path}: other content than was written`)
  }
  for (const path of found.keys()) differences.push(`${path}: not planned`)
  if (differences.length === 0) return
  throw new PostCheckError(
    'ERR_CHECK_TREE',
    `the OEM partition is not what was planned: ${differences.slice(0, 5).join('; ')}${differences.length > 5 ? `; and ${differences.length - 5} more` : ''}`,
    {
      hint: 'nothing was published; try the other engine with --engine, and report this',
      details: { differences },
    },
  )
}

function signature(entry: Pick<OemEntry, 'kind' | 'mode' | 'uid' | 'gid' | 'sizeBytes'>): string {
  return `${entry.kind} ${entry.mode.toString(8).padStart(4, '0')} ${entry.uid}:${entry.gid} ${entry.sizeBytes} bytes`
}
