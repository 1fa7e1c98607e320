/**
 * Templates as `--json` prints them, and the runs of releases that the text shows, too: neighbours on which the same comes
 * out are told together.
 */
import type { TemplateExamination, TemplateTrial } from '../../oem/examine-template.js'
import type { UserDataExplanation } from '../../oem/explain/explanation.js'
import type { Finding, Severity } from '../../oem/finding.js'
import { formatDistro, formatRelease } from '../../oem/release/release.js'
import { formatScope, isInScope } from '../../oem/release/release-scope.js'
import type { TemplateList } from '../../oem/template/template.js'
import type { TemplateManifest } from '../../oem/template/template-manifest.js'

/** Neighbouring releases of one distribution. */
export interface ReleaseRun {
  readonly releases: string
  readonly trial: TemplateTrial
}

export function listDocument({ templates, broken }: TemplateList): unknown {
  return {
    templates: templates.map(({ name, aliases, origin, manifest }) => ({
      name,
      aliases,
      origin,
      ...manifestDocument(manifest),
    })),
    broken,
  }
}

export function showDocument({ template, trials }: TemplateExamination): unknown {
  return {
    name: template.name,
    directory: template.directory,
    ...manifestDocument(template),
    variables: template.variables,
    notes: template.notes,
    releases: trials.map((trial) => ({ release: formatRelease(trial.release), ...trialDocument(trial) })),
  }
}

export function checkDocument(examination: TemplateExamination): unknown {
  const { template, trials } = examination
  return {
    name: template.name,
    directory: template.directory,
    releases: trials.map((trial) => ({
      release: formatRelease(trial.release),
      ...trialDocument(trial),
      findings: trial.findings,
    })),
    gravest: gravity(examination),
  }
}

/** The gravest of all that was found; undefined for nothing. */
export function gravity({ trials }: TemplateExamination): Severity | undefined {
  if (trials.some(({ fault }) => fault !== undefined)) return 'error'
  const found = new Set(trials.flatMap(({ findings }) => findings.map(({ severity }) => severity)))
  return (['error', 'warning', 'note'] as const).find((severity) => found.has(severity))
}

/** @param sameAs what must be equal for neighbours to be told together */
export function releaseRuns(
  { template, trials }: TemplateExamination,
  sameAs: (trial: TemplateTrial) => unknown,
): readonly ReleaseRun[] {
  const spanOf = ({ release }: TemplateTrial) => template.distros.findIndex((scope) => isInScope(release, scope))
  const runs: TemplateTrial[][] = []
  for (const trial of trials) {
    const last = runs.at(-1)
    const before = last?.at(-1)
    const same =
      before?.release.distro === trial.release.distro &&
      spanOf(before) === spanOf(trial) &&
      JSON.stringify(sameAs(before)) === JSON.stringify(sameAs(trial))
    if (same) last?.push(trial)
    else runs.push([trial])
  }
  return runs.flatMap((run, index) => {
    const [trial] = run
    if (trial === undefined) return []
    const next = runs[index + 1]?.[0]
    const inSameSpan = next?.release.distro === trial.release.distro && spanOf(next) === spanOf(trial)
    const below = inSameSpan ? next.release.branch : template.distros[spanOf(trial)]?.below
    const end = below === undefined ? ' on' : below - 1 === trial.release.branch ? '' : ` to ${below - 1}`
    return [{ releases: `${formatDistro(trial.release.distro)} ${trial.release.branch}${end}`, trial }]
  })
}

/** What findings say, whatever the release that they name. */
export function withoutRelease(finding: Finding, trial: TemplateTrial): string {
  return finding.message.replaceAll(formatRelease(trial.release), 'this release')
}

/** For people: who gets at a cloud-config or script, else at an Ignition config. */
export function userDataWords(userData: UserDataExplanation | undefined): string {
  return userData === undefined ? 'unknown' : userData.how
}

export function distrosWords({ distros }: TemplateManifest): string {
  return distros.length === 0 ? 'every release' : distros.map(formatScope).join('; ')
}

function manifestDocument({ title, description, homepage, oemId, distros }: TemplateManifest): object {
  return { title, description, homepage, oemId, distros }
}

function trialDocument({ files, fault, userData }: TemplateTrial): object {
  return { files, fault, userData }
}
