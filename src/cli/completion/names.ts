/** Names that completion offers, as they are when the script is printed: a shell asks for them on every key. */
import { ALL_RULES } from '../../oem/rules.js'
import { listTemplates } from '../../oem/template/template.js'
import type { Values } from '../verbs.js'

export interface KnownNames {
  readonly templates: readonly string[]
  readonly rules: readonly string[]
}

export async function knownNames(env: Readonly<Record<string, string | undefined>>): Promise<KnownNames> {
  const { templates } = await listTemplates(env)
  return { templates: templates.map(({ name }) => name), rules: ALL_RULES.map(({ name }) => name) }
}

/** The words that are offered; paths come on top where they fit. */
export function wordsOf(values: Values, { rules, templates }: KnownNames): readonly string[] {
  if (values === 'template') return templates
  if (values === 'rule') return rules
  return typeof values === 'string' ? [] : values
}

export function pathsOf(values: Values): 'file' | 'directory' | undefined {
  if (values === 'file' || values === 'directory') return values
  return values === 'template' ? 'directory' : undefined
}
