/**
 * The plan that takes all bakes back: the OEM partition becomes what it was on the original image.
 *
 * Pure, as every plan is. What somebody else changed since is refused with its name, unless a policy says what becomes of it.
 */
import { RefusedError } from '../../errors.js'
import type { ExistingFiles } from '../../request.js'
import type { OemState } from '../describe.js'
import { explainBoot } from '../explain/explain.js'
import { treeAfter } from '../explain/tree.js'
import { parseGrubCfg } from '../grub/grub-cfg.js'
import { bakedBy, newerHistory, notBaked } from '../history/baked-by.js'
import type { OriginalOem } from '../history/before.js'
import { digestIn } from '../history/digest-in.js'
import { HISTORY_PATH, type History } from '../history/history.js'
import { isSameInList, strangersOn } from '../history/strangers.js'
import { isFilesystemOwn, parentsOf } from '../oem-path.js'
import { GRUB_CFG_PATH } from '../release/eras.js'
import type { ImageRelease } from '../release/release.js'
import { editedRefusal } from './existing-files.js'
import type { Plan } from './plan.js'
import { planSpace } from './plan-space.js'
import { TREE_RULES } from './rules.js'
import { editsBetween, type WantedEntry } from './tree-edits.js'

/** @throws ERR_NOT_BAKED | ERR_HISTORY_NEWER */
export function assertBaked(state: OemState): History {
  const { history } = state
  if (history === undefined) throw notBaked(`there is no history ${HISTORY_PATH} on its OEM partition`)
  if (history.kind === 'newer') throw newerHistory(history.version)
  if (history.kind === 'damaged') throw notBaked(`${HISTORY_PATH} is none of its histories: ${history.reason}`)
  return history.history
}

/**
 * @param original all files in it that are not on the partition as they were
 * @throws ERR_NOT_BAKED | ERR_HISTORY_NEWER | ERR_OEM_EDITED_FILES | ERR_OEM_FULL | ERR_OEM_SYMLINK
 */
export function planUnbake(state: OemState, release: ImageRelease, original: OriginalOem, policy: ExistingFiles): Plan {
  const history = assertBaked(state)
  const strangers = strangersOn(state, original.entries, history, contentsThatDiffer(state, original, history))
  if (strangers.length > 0 && (policy === 'auto' || policy === 'refuse')) {
    throw editedRefusal(
      strangers,
      '--existing merge leaves them as they are now, --existing replace makes them as they are on the original',
    )
  }
  const kept = new Set(policy === 'merge' ? strangers : [])
  const wanted = asOnOriginal(state, original, kept)
  const why = new Map(
    state.entries.map(({ path }) => [path, strangers.includes(path) ? '--existing replace' : 'an earlier bake']),
  )
  const tree = editsBetween(state, wanted, why)
  const { space, findings } = planSpace({ space: state.space, ...tree.space })
  const after = treeAfter(state, tree.edits, tree.expected)
  const grub = after.contents.get(GRUB_CFG_PATH)
  return {
    edits: tree.edits,
    changes: tree.changes,
    expected: tree.expected,
    oemId: grub === undefined ? undefined : parseGrubCfg(Buffer.from(grub).toString('utf8')).oemId,
    findings: [...noteKept(kept), ...findings],
    ignored: [],
    space,
    boot: explainBoot(after, release),
    history: { before: bakedBy(state), after: undefined },
  }
}

/** Of the files that are to be compared, those whose content was loaded because it is not the same. */
function contentsThatDiffer(state: OemState, { files }: OriginalOem, history: History): ReadonlySet<string> {
  const displaced = new Set(history.displaced.map(({ path }) => path))
  return new Set(
    [...files].flatMap(([path, { sha256 }]) =>
      !displaced.has(path) && digestIn(state, path) !== sha256 ? [path] : [],
    ),
  )
}

function asOnOriginal(
  state: OemState,
  original: OriginalOem,
  kept: ReadonlySet<string>,
): ReadonlyMap<string, WantedEntry> {
  const wanted = new Map<string, WantedEntry>()
  const now = new Map(state.entries.map((entry) => [entry.path, entry]))
  for (const entry of original.entries) {
    const { path } = entry
    if (isFilesystemOwn(path) || kept.has(path)) continue
    const there = now.get(path)
    const file = original.files.get(path)
    const origin = 'the original image'
    if (file !== undefined)
      wanted.set(path, { entry: { ...entry, sha256: file.sha256 }, make: { kind: 'file', file }, origin })
    else if (
      there !== undefined &&
      (isSameInList(there, entry) || (there.kind === 'directory' && entry.kind === 'directory'))
    )
      // No engine changes a directory that stays.
      wanted.set(path, { entry: there, make: undefined, origin: undefined })
    else if (entry.kind === 'directory') wanted.set(path, { entry, make: { kind: 'directory' }, origin })
    else if (entry.kind === 'symlink')
      wanted.set(path, { entry, make: { kind: 'symlink', target: entry.target ?? '' }, origin })
    else throw cannotMake(path)
  }
  for (const path of kept) {
    const entry = now.get(path)
    if (entry === undefined) continue
    for (const parent of parentsOf(path)) {
      const directory = now.get(parent)
      if (directory !== undefined) wanted.set(parent, { entry: directory, make: undefined, origin: undefined })
    }
    wanted.set(path, { entry, make: undefined, origin: '--existing merge' })
  }
  return wanted
}

function noteKept(kept: ReadonlySet<string>) {
  if (kept.size === 0) return []
  return [
    TREE_RULES.found('own-file-edited', `not as on the original, and left as they are now: ${[...kept].join(', ')}`, {
      severity: 'note',
    }),
  ]
}

function cannotMake(path: string): RefusedError {
  return new RefusedError(
    'ERR_NOT_A_REGULAR_FILE',
    `${path} on the original is a device, pipe or socket, which oem-bake does not make`,
    {
      hint: 'use the original image itself',
      details: { path },
    },
  )
}
