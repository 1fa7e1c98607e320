/**
 * A template's files, rendered with the variables that were given; what a flag gives instead is left out.
 */
import { basename } from 'node:path'
import { UsageError } from '../../errors.js'
import { type ContentFile, contentFile } from '../content-file.js'
import type { Finding } from '../finding.js'
import { parseGrubCfg, withOemId } from '../grub/grub-cfg.js'
import { loadedBytes } from '../host-files.js'
import { TREE_RULES } from '../plan/rules.js'
import { GRUB_CFG_PATH } from '../release/eras.js'
import { renderTemplateFile, type Template } from './template.js'
import { OEM_ID_VARIABLE } from './template-manifest.js'
import { bindVariables, type VariableValue } from './variables.js'

/** Permission of everybody else to read. */
const WORLD_READABLE = 0o004

/** A variable that was given, and the template's paths that use it. */
export interface GivenVariable {
  readonly name: string
  readonly paths: readonly string[]
}

export interface RenderedTemplate {
  readonly files: readonly ContentFile[]
  readonly givenVariables: readonly GivenVariable[]
  readonly findings: readonly Finding[]
}

/**
 * @param fromFlags files whose paths the template does not fill
 * @throws UsageError of the variables, or of what came out
 */
export function renderTemplate(
  template: Template | undefined,
  given: ReadonlyMap<string, VariableValue>,
  oemId: string | undefined,
  fromFlags: readonly ContentFile[],
): RenderedTemplate {
  if (template === undefined) return { files: [], givenVariables: [], findings: [] }
  const replaced = new Set(fromFlags.map((file) => file.path))
  const used = template.files.filter((file) => !replaced.has(file.path))
  const needed = new Set(used.flatMap((file) => file.variables))
  const bound = new Map(bindVariables(template.variables, given, needed, template.name))
  const vain = [...given.keys()].filter((name) => !needed.has(name))
  if (vain.length > 0) {
    const paths = template.files.filter((file) => file.variables.some((name) => vain.includes(name)))
    throw new UsageError(
      'ERR_VARIABLE_INVALID',
      `nothing would use ${vain.join(', ')}: another file takes the place of ${[...new Set(paths.map((file) => file.path))].join(', ')}`,
      { hint: `leave out ${vain.map((name) => `--set ${name}`).join(' ')}`, details: { unused: vain } },
    )
  }
  if (oemId !== undefined) bound.set(OEM_ID_VARIABLE, oemId)
  const origin = `template ${template.name}`
  const files = used.map((file) =>
    contentFile({
      ...loadedBytes(withRequestedId(file.path, renderTemplateFile(template, file, bound), oemId)),
      path: file.path,
      mode: file.mode,
      origin,
      source: `${basename(template.directory)}/${file.source}`,
      scopes: file.scopes,
    }),
  )
  const secrets = new Set(template.variables.filter((variable) => variable.secret).map((variable) => variable.name))
  const exposed = used.filter(
    (file) => (file.mode & WORLD_READABLE) !== 0 && file.variables.some((name) => secrets.has(name)),
  )
  return {
    files,
    givenVariables: [...given.keys()].map((name) => ({
      name,
      paths: used.filter((file) => file.variables.includes(name)).map((file) => file.path),
    })),
    findings: exposed.map((file) =>
      TREE_RULES.found(
        'secret-readable',
        `${file.path} holds a secret and has mode ${file.mode.toString(8).padStart(4, '0')}: every user of the machine can read it, and everyone who has the image`,
        { hint: 'fetch secrets when the machine starts instead of baking them' },
      ),
    ),
  }
}

/** A template may name its id instead of referring to the variable; --oem-id still decides. */
function withRequestedId(path: string, bytes: Uint8Array, oemId: string | undefined): Uint8Array {
  if (path !== GRUB_CFG_PATH || oemId === undefined) return bytes
  const text = Buffer.from(bytes).toString('utf8')
  return parseGrubCfg(text).oemId === oemId ? bytes : Buffer.from(withOemId(text, oemId))
}
