/**
 * A template, tried on every release that it claims: which files it would write onto an empty OEM partition, what the
 * checks find, and who would get at the end users' data. For whoever writes one, or wants to know what one does.
 */
import { OemBakeError } from '../errors.js'
import { resolveContent } from './content.js'
import type { OemState } from './describe.js'
import type { UserDataExplanation } from './explain/explanation.js'
import type { Finding } from './finding.js'
import { HISTORY_PATH } from './history/history.js'
import { findingsIn } from './judge.js'
import { planBake, WORTH_READING_BYTES } from './plan/plan.js'
import { releasesBetweenEdges } from './release/edges.js'
import type { KnownRelease } from './release/release.js'
import { loadTemplate, type Template } from './template/template.js'

export interface TemplateTrial {
  readonly release: KnownRelease
  /** Paths on the OEM partition, sorted. Empty when the bake would be refused. */
  readonly files: readonly string[]
  readonly findings: readonly Finding[]
  /** Why the template could not even be rendered: a variable that is missing, say. */
  readonly fault: { readonly code: string; readonly message: string; readonly hint: string | undefined } | undefined
  readonly userData: UserDataExplanation | undefined
}

export interface TemplateExamination {
  readonly template: Template
  /** Oldest release first, Container Linux before Flatcar; one of each stretch within which nothing changes. */
  readonly trials: readonly TemplateTrial[]
}

/**
 * @param name of a template, or the path of a directory
 * @throws ERR_TEMPLATE_UNKNOWN | ERR_TEMPLATE_INVALID | ERR_YAML_SYNTAX | ERR_INPUT_FILE of the template itself
 */
export async function examineTemplate(
  name: string,
  variables: { readonly variables?: Readonly<Record<string, string>>; readonly variablesFile?: string },
  env: Readonly<Record<string, string | undefined>>,
): Promise<TemplateExamination> {
  const template = await loadTemplate(name, env)
  const scopes = [...template.files, ...template.contents, ...template.notes].flatMap((part) => part.scopes)
  const releases = releasesBetweenEdges(template.distros, scopes)
  try {
    const content = await resolveContent({ template: name, ...variables }, env)
    return { template, trials: releases.map((release) => tryOn(release, () => planBake(content, EMPTY, release))) }
  } catch (error) {
    return { template, trials: releases.map((release) => refused(release, error)) }
  }
}

function tryOn(release: KnownRelease, plan: () => ReturnType<typeof planBake>): TemplateTrial {
  try {
    const { boot, changes, findings } = plan()
    return {
      release,
      // The history is the bake's own, whatever the template.
      files: changes.filter(({ kind, path }) => kind === 'file' && path !== HISTORY_PATH).map(({ path }) => path),
      findings,
      fault: undefined,
      userData: boot.userData,
    }
  } catch (error) {
    return refused(release, error)
  }
}

/** What stops a bake carries everything that was found; anything else is told as it is. */
function refused(release: KnownRelease, error: unknown): TemplateTrial {
  if (!(error instanceof OemBakeError) || error.exitCode === 1) throw error
  const { code, hint, message } = error
  const findings = findingsIn(error)
  return {
    release,
    files: [],
    findings,
    fault: findings.length > 0 ? undefined : { code, message, hint },
    userData: undefined,
  }
}

/** A big and empty OEM partition; what one has room for is the image's affair. */
const EMPTY: OemState = {
  entries: [],
  contents: new Map(),
  space: { blockBytes: 4096, totalBytes: 1 << 30, freeBytes: (1 << 30) - WORTH_READING_BYTES, freeInodes: 1 << 16 },
  filesystem: { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 1 << 30 },
}
