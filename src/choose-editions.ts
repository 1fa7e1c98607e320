/**
 * Which editions a run makes, and what goes into each: templates by name, or all that are made for the image's release.
 *
 * Variables count for every template that has them; one that none of them has is an error. What is wrong with the words of the
 * request is told before any work, for all; under `all`, nobody has chosen the templates, so one that lacks a value of a
 * variable is skipped and named.
 */
import { join } from 'node:path'
import { UsageError } from './errors.js'
import { type OemContent, resolveContent } from './oem/content.js'
import { formatRelease, type ImageRelease } from './oem/release/release.js'
import { isInAnyScope } from './oem/release/release-scope.js'
import { STARTING_POINT } from './oem/template/new-template.js'
import { type ListedTemplate, listTemplates, loadTemplate } from './oem/template/template.js'
import type { SkippedTemplate } from './report.js'
import type { BakeRequest, EditionsRequest } from './request.js'

/** An edition to be made, and the request that a bake of it alone would have. */
export interface ChosenEdition {
  readonly request: BakeRequest
  readonly content: OemContent
}

export interface ChosenEditions {
  readonly chosen: readonly ChosenEdition[]
  readonly skipped: readonly SkippedTemplate[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws UsageError of any code, as a bake of each of them would */
export async function editionsNamed(
  names: readonly string[],
  request: EditionsRequest,
  env: Environment,
): Promise<readonly ChosenEdition[]> {
  if (names.length === 0)
    throw new UsageError('ERR_USAGE', 'no template was named', { hint: 'name some, or ask for all' })
  const elsewhere = await variablesOf(names, request, env)
  const chosen: ChosenEdition[] = []
  for (const template of names) {
    const edition = await editionOf(template, request, env, elsewhere)
    const { edition: name } = edition.content
    if (chosen.some(({ content }) => content.edition === name))
      throw new UsageError('ERR_USAGE', `template ${name} was named twice`, { hint: `name ${name} once` })
    chosen.push(edition)
  }
  return chosen
}

/** @throws ERR_USAGE where it is not known which, or there are none; ERR_VARIABLE_UNKNOWN */
export async function editionsFor(
  release: ImageRelease,
  request: EditionsRequest,
  env: Environment,
): Promise<ChosenEditions> {
  if (release.kind === 'unknown') {
    throw new UsageError(
      'ERR_USAGE',
      'the release of the image is not known, so neither are the templates made for it',
      {
        hint: 'name the release with --release, or templates with --template',
      },
    )
  }
  const { broken, templates } = await listTemplates(env)
  const fitting = templates.filter(
    ({ manifest, name }) => name !== STARTING_POINT && isInAnyScope(release, manifest.distros),
  )
  const names = fitting.map(({ name }) => name)
  const elsewhere = await variablesOf(names, request, env)
  const chosen: ChosenEdition[] = []
  const skipped: SkippedTemplate[] = broken.map(({ message, name }) => ({ template: name, reason: message }))
  for (const template of names) {
    try {
      chosen.push(await editionOf(template, request, env, elsewhere))
    } catch (error) {
      if (
        !(error instanceof UsageError) ||
        !isOfTemplate(
          error,
          fitting.find(({ name }) => name === template),
        )
      )
        throw error
      skipped.push({ template, reason: error.message })
    }
  }
  if (chosen.length > 0) return { chosen, skipped }
  const reasons = skipped.map(({ reason }) => `; ${reason}`).join('')
  throw new UsageError('ERR_USAGE', `there is no template to be baked for ${formatRelease(release)}${reasons}`, {
    hint: 'give values with --set, or name templates with --template; oem-bake templates lists all there are',
    details: { skipped },
  })
}

/** What keeps one template from being baked, and no other: a value that it lacks, or files of its own. */
function isOfTemplate({ code, details: { path } }: UsageError, template: ListedTemplate | undefined): boolean {
  if (code === 'ERR_VARIABLE_MISSING' || code === 'ERR_TEMPLATE_INVALID') return true
  return (
    code === 'ERR_INPUT_FILE' &&
    typeof path === 'string' &&
    path.startsWith(`${join(template?.origin ?? '', template?.name ?? '')}/`)
  )
}

async function editionOf(
  template: string,
  { templates: _, ...others }: EditionsRequest,
  env: Environment,
  elsewhere: ReadonlySet<string>,
): Promise<ChosenEdition> {
  const request = { ...others, template }
  return { request, content: await resolveContent(request, env, elsewhere) }
}

/** Names of the variables of all these templates, where that makes a difference. */
async function variablesOf(
  names: readonly string[],
  { variables = {}, variablesFile }: EditionsRequest,
  env: Environment,
): Promise<ReadonlySet<string>> {
  if (variablesFile === undefined && Object.keys(variables).length === 0) return new Set()
  const loaded = await Promise.all(names.map((name) => loadTemplate(name, env)))
  return new Set(loaded.flatMap((template) => template.variables.map(({ name }) => name)))
}
