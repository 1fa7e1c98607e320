/**
 * All checks of one config that need neither the image's release nor its tree.
 *
 * Structure first (`schema/`), then meaning (`checks/`). Everything is found together.
 */
import type { Finding } from '../finding.js'
import { checkDuplicates } from './checks/duplicates.js'
import { checkNodes } from './checks/nodes.js'
import { checkResources } from './checks/resources.js'
import { checkStorage } from './checks/storage.js'
import { type Subject, subjectOf } from './checks/subject.js'
import { checkTranslation } from './checks/translation.js'
import { checkUnits } from './checks/units.js'
import { formatPath, readDocument } from './document.js'
import { IGNITION_RULES } from './rules.js'
import { checkStructure } from './schema/structure.js'

export interface IgnitionFindings {
  readonly findings: readonly Finding[]
  /** What stops Flatcar from branch 3185 on from translating a 2.x config. */
  readonly untranslatable: readonly Finding[]
}

/**
 * @param text JSON, known to be well-formed
 * @param spec as the config says, a known one
 */
export function checkConfig(text: string, spec: string, file: string): IgnitionFindings {
  const document = readDocument(text, file)
  const base = spec.replace('-experimental', '')
  const subject = subjectOf(document, base)
  const findings = [
    ...checkVersion(subject, spec),
    ...document.duplicateKeys.map(({ path, place }) =>
      IGNITION_RULES.found('ignition-duplicate-key', `${formatPath(path)} stands twice; the last one counts`, {
        place,
        hint: 'leave one of the two out',
      }),
    ),
    ...checkStructure(document, base),
    ...checkNodes(subject),
    ...checkResources(subject),
    ...checkStorage(subject),
    ...checkUnits(subject),
    ...checkDuplicates(subject),
  ]
  return { findings, untranslatable: subject.isSpec3 ? [] : checkTranslation(subject) }
}

function checkVersion(subject: Subject, spec: string): readonly Finding[] {
  if (spec === subject.spec) return []
  return [
    subject.found(
      'ignition-spec-experimental',
      ['ignition', 'version'],
      `version ${spec} is refused by every Ignition that knows ${subject.spec}`,
      { hint: `write ${subject.spec} as soon as the release takes it` },
    ),
  ]
}
