/**
 * What becomes of the files that are on the OEM partition already.
 *
 * `auto` replaces a vendor's set as a whole when the partition gets another identity, for a lone leftover such as
 * base/default.ign starts that vendor's cloudinit; without a new identity (`--file` alone, say) the set stays. A file
 * that belongs to nobody known is never touched and never taken along silently: it is refused with its name.
 *
 * What oem-bake wrote itself is no question of policy: the tree that is decided about has it only where it stays (`own`), or
 * where somebody changed it since (`edited`), which is refused with its name, too.
 */
import type { OemEntry } from '../../engine/engine.js'
import { RefusedError, UsageError } from '../../errors.js'
import type { ExistingFiles } from '../../request.js'
import type { OemState } from '../describe.js'
import { comparePaths, isAlwaysKept, isFilesystemOwn, isWithin, parentsOf } from '../oem-path.js'
import { belongsToSet, type VendorSet } from '../vendor-sets.js'

/** Origin of files that stay. */
const EARLIER_BAKE = 'an earlier bake'

export interface ExistingDecision {
  /** Why each removed path goes: `--remove`, `vendor set openstack`, `--existing replace`. Directories included. */
  readonly removed: ReadonlyMap<string, string>
  /** Whose each kept path is, where that is known. */
  readonly kept: ReadonlyMap<string, string>
}

export interface ExistingQuestion {
  readonly state: OemState
  readonly policy: ExistingFiles
  readonly vendorSet: VendorSet | undefined
  /** The bake gives the partition another identity. */
  readonly newIdentity: boolean
  /** Paths that will be written. */
  readonly written: ReadonlySet<string>
  readonly remove: readonly string[]
  /** Of earlier bakes, and to stay unless something else is said. */
  readonly own: ReadonlySet<string>
  /** Of the tree, and yet not on the partition: an earlier bake took them away, as it had been told to. */
  readonly absent: ReadonlySet<string>
  /** Of earlier bakes, and changed since; what would be written over it may not be the same. */
  readonly edited: ReadonlySet<string>
}

/**
 * @throws ERR_OEM_UNKNOWN_FILES | ERR_OEM_EDITED_FILES with the list
 */
export function decideExisting(question: ExistingQuestion): ExistingDecision {
  const { state, policy, vendorSet, newIdentity, written, remove, own, edited, absent } = question
  const removed = new Map<string, string>()
  const kept = new Map<string, string>()
  const unknown: OemEntry[] = []
  const changed: OemEntry[] = []
  for (const entry of state.entries) {
    if (entry.kind === 'directory') continue
    if (isFilesystemOwn(entry.path)) continue
    const ofVendor = vendorSet !== undefined && belongsToSet(entry.path, vendorSet)
    const removal = remove.find((path) => isWithin(entry.path, path))
    if (isAlwaysKept(entry.path)) kept.set(entry.path, 'always kept')
    else if (removal !== undefined) removed.set(entry.path, '--remove')
    // What is not there is no reason to refuse anything.
    else if (policy === 'refuse') {
      if (absent.has(entry.path)) removed.set(entry.path, EARLIER_BAKE)
      else if (!own.has(entry.path) || !written.has(entry.path)) unknown.push(entry)
    } else if (policy === 'auto' && edited.has(entry.path)) changed.push(entry)
    // A link is never written through or onto, so it does not become ours by its name.
    else if (written.has(entry.path) && entry.kind === 'file') continue
    else if (policy === 'replace') removed.set(entry.path, '--existing replace')
    else if (policy === 'merge') {
      if (ofVendor) kept.set(entry.path, `vendor set ${vendorSet.name}`)
      else if (own.has(entry.path)) kept.set(entry.path, EARLIER_BAKE)
    } else if (!ofVendor) {
      if (own.has(entry.path)) kept.set(entry.path, EARLIER_BAKE)
      else if (absent.has(entry.path)) removed.set(entry.path, EARLIER_BAKE)
      else unknown.push(entry)
    } else if (newIdentity) removed.set(entry.path, `vendor set ${vendorSet.name}`)
    else kept.set(entry.path, `vendor set ${vendorSet.name}`)
  }
  if (unknown.length > 0) throw refusal(unknown, policy, written)
  if (changed.length > 0) throw editedRefusal(changed.map((entry) => entry.path))
  for (const [path, reason] of removedDirectories(question, removed)) removed.set(path, reason)
  return { removed, kept }
}

/** Directories that nothing needs any more: asked for, all of them on `replace`, else those whose content went. */
function removedDirectories(
  { state, policy, vendorSet, newIdentity, written, remove }: ExistingQuestion,
  removed: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const needed = new Set([...written].flatMap(parentsOf))
  for (const entry of state.entries) {
    if (entry.kind !== 'directory' && !removed.has(entry.path))
      for (const path of parentsOf(entry.path)) needed.add(path)
  }
  const gone = new Map<string, string>()
  const childrenOf = new Map<string | undefined, string[]>()
  for (const { path } of state.entries) {
    const parent = parentsOf(path).at(-1)
    const siblings = childrenOf.get(parent)
    if (siblings === undefined) childrenOf.set(parent, [path])
    else siblings.push(path)
  }
  // Deepest first: whether a parent goes may depend on what became of its children.
  const directories = state.entries
    .filter((entry) => entry.kind === 'directory' && !isFilesystemOwn(entry.path) && !isAlwaysKept(entry.path))
    .map((entry) => entry.path)
    .sort((left, right) => comparePaths(right, left))
  for (const path of directories) {
    if (needed.has(path)) continue
    const children = childrenOf.get(path) ?? []
    if (children.some((child) => !removed.has(child) && !gone.has(child))) continue
    const emptied = children.map((child) => removed.get(child) ?? gone.get(child)).find((why) => why !== undefined)
    const asked = remove.some((root) => isWithin(path, root)) ? '--remove' : undefined
    const swept = policy === 'replace' ? '--existing replace' : undefined
    const vendors =
      policy === 'auto' && newIdentity && vendorSet !== undefined && belongsToSet(path, vendorSet)
        ? `vendor set ${vendorSet.name}`
        : undefined
    const why = asked ?? swept ?? emptied ?? vendors
    if (why !== undefined) gone.set(path, why)
  }
  return gone
}

/** @param what else there is to do */
export function editedRefusal(
  paths: readonly string[],
  what = '--existing merge keeps those that are not written anew, --existing replace takes them away',
): RefusedError {
  return new RefusedError('ERR_OEM_EDITED_FILES', `the OEM partition is not as oem-bake left it: ${listed(paths)}`, {
    hint: what,
    details: { paths },
  })
}

function listed(paths: readonly string[]): string {
  return (paths.length > 10 ? [...paths.slice(0, 10), `and ${paths.length - 10} more`] : paths).join(', ')
}

function refusal(unknown: readonly OemEntry[], policy: ExistingFiles, written: ReadonlySet<string>): RefusedError {
  const paths = unknown.map((entry) => entry.path)
  const message =
    policy === 'refuse'
      ? `the OEM partition is not empty: ${listed(paths)}`
      : `the OEM partition holds files that belong to no known vendor: ${listed(paths)}`
  const kept = written.size === 0 ? '' : ' beside the new ones'
  return new RefusedError('ERR_OEM_UNKNOWN_FILES', message, {
    hint: `--existing merge keeps them${kept}, --existing replace removes them, --remove PATH removes single ones`,
    details: { paths },
  })
}

/**
 * Every written path must be free or a regular file, and every directory above it a real directory.
 *
 * @throws ERR_OEM_SYMLINK | ERR_OEM_PATH_INVALID
 */
export function assertWritable(
  written: ReadonlyMap<string, { readonly origin: string }>,
  state: OemState,
  removed: ReadonlyMap<string, string>,
): void {
  const staying = new Map(state.entries.filter((entry) => !removed.has(entry.path)).map((entry) => [entry.path, entry]))
  for (const [path, { origin }] of written) {
    for (const parent of parentsOf(path)) {
      const entry = staying.get(parent)
      if (entry?.kind === 'symlink') throw symlink(entry, `writing ${path} (${origin}) would go through it`)
      if (entry !== undefined && entry.kind !== 'directory') {
        throw new UsageError(
          'ERR_OEM_PATH_INVALID',
          `${path} (${origin}) would lie below ${parent}, which is no directory`,
          { hint: `choose another destination, or add --remove ${parent}` },
        )
      }
    }
    const entry = staying.get(path)
    if (entry?.kind === 'symlink') throw symlink(entry, `${origin} would write onto it`)
    if (entry !== undefined && entry.kind !== 'file') {
      throw new UsageError('ERR_OEM_PATH_INVALID', `${path} (${origin}) is there already and is no regular file`, {
        hint: `choose another destination, or add --remove ${path}`,
      })
    }
  }
}

function symlink(entry: OemEntry, what: string): RefusedError {
  return new RefusedError(
    'ERR_OEM_SYMLINK',
    `${entry.path} on the OEM partition is a symbolic link to ${entry.target ?? 'somewhere else'}: ${what}`,
    {
      hint: `remove the link with --remove ${entry.path}, or choose another destination`,
      details: { path: entry.path, target: entry.target },
    },
  )
}
