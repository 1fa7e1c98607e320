/**
 * What is to be said of earlier bakes: what goes because of them, what can't be brought back, and a history that is none.
 */
import type { Finding } from '../finding.js'
import { HISTORY_PATH } from '../history/history.js'
import type { Decided } from './plan.js'
import { TREE_RULES } from './rules.js'
import type { PlannedChange } from './tree-edits.js'

export function checkHistory(decided: Decided, changes: readonly PlannedChange[]): readonly Finding[] {
  return [
    ...checkDamage(decided),
    ...checkGone(decided),
    ...noteReplaced(decided, changes),
    ...checkEdited(decided, changes),
  ]
}

function checkDamage({ state }: Decided): readonly Finding[] {
  if (state.history?.kind !== 'damaged') return []
  return [
    TREE_RULES.found(
      'history-damaged',
      `this is no history that oem-bake wrote (${state.history.reason}): what an earlier bake put onto this partition can't be told from the rest, and the file is replaced`,
      {
        place: { file: HISTORY_PATH },
        hint: 'if the image was baked before, start from the original one instead',
      },
    ),
  ]
}

function checkGone({ gone }: Decided): readonly Finding[] {
  if (gone.length === 0) return []
  const listed = gone.length > 10 ? [...gone.slice(0, 10), `and ${gone.length - 10} more`] : gone
  return [
    TREE_RULES.found(
      'original-files-gone',
      `an earlier bake replaced or removed ${listed.join(', ')}, which would be there if this bake had been the first`,
      { hint: '--original IMAGE, the image before the first bake, brings them back' },
    ),
  ]
}

function noteReplaced({ past, startsOver }: Decided, changes: readonly PlannedChange[]): readonly Finding[] {
  if (past === undefined || !startsOver) return []
  const ours = new Set(past.history.written.map(({ path }) => path))
  const changed = changes.filter(({ action, path }) => ours.has(path) && (action === 'remove' || action === 'replace'))
  if (changed.length === 0) return []
  const { template } = past.history
  const edition = template === undefined ? 'an earlier bake' : `the edition ${template.name}`
  return [
    TREE_RULES.found(
      'own-files-replaced',
      `the image holds ${edition}, baked by oem-bake ${past.history.version}: ${changed.length} of its ${ours.size} files ${changed.length === 1 ? 'is' : 'are'} replaced or removed`,
    ),
  ]
}

/** Where a policy said what to do with them. */
function checkEdited({ past }: Decided, changes: readonly PlannedChange[]): readonly Finding[] {
  const edited = new Set(past?.own.edited.map(({ path }) => path))
  const lost = changes.filter(({ action, path }) => edited.has(path) && (action === 'remove' || action === 'replace'))
  if (lost.length === 0) return []
  return [
    TREE_RULES.found(
      'own-file-edited',
      `changed since oem-bake wrote ${lost.length === 1 ? 'it' : 'them'}, and the change is lost: ${lost.map(({ path }) => path).join(', ')}`,
    ),
  ]
}
