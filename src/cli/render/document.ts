/**
 * Reports as `--json` prints them: the same data, without the bytes of the files that are written.
 *
 * A plan's edits carry content for the engine; as JSON that would be one line a byte. `expected` has each file's digest.
 */
import type { OemEdit } from '../../engine/engine.js'
import type { Plan } from '../../oem/plan/plan.js'
import type { ExplainReport, PlanReport } from '../../report.js'

export function planDocument<Report extends PlanReport>(report: Report): object {
  return { ...report, plan: withoutBytes(report.plan) }
}

export function explainDocument(report: ExplainReport): unknown {
  return { ...report, plan: report.plan === undefined ? undefined : withoutBytes(report.plan) }
}

function withoutBytes(plan: Plan): unknown {
  return { ...plan, edits: plan.edits.map(editDocument) }
}

function editDocument(edit: OemEdit): unknown {
  if (edit.kind !== 'write-file') return edit
  const { content, ...rest } = edit
  return { ...rest, sizeBytes: content.kind === 'bytes' ? content.bytes.length : content.sizeBytes }
}
