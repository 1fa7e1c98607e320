/**
 * One source file of a template in its parsed form, and the bytes it renders to.
 *
 * Each format has a quoting of its own: YAML and JSON are parsed, substituted in their values and formatted anew;
 * oem-release is written as a YAML mapping of its keys and rendered by the safe writer; grub.cfg takes references only
 * between double quotes, where three characters need a backslash; everything else is copied byte by byte.
 */
import { UsageError } from '../../errors.js'
import { CLOUD_CONFIG_HEADER, formatCloudConfig } from '../cloud-config/cloud-config.js'
import { escapeInDoubleQuotes } from '../grub/quote.js'
import { parseJson } from '../json.js'
import { isMapping } from '../mapping.js'
import { formatOemRelease, oemReleaseFromKeys } from '../oem-release/oem-release.js'
import { formatYaml, meansTheSameToAllReaders, parseYaml } from '../yaml.js'
import { applyConditions, conditionNames, includeTexts } from './reserved-keys.js'
import { boundValue, parseReferences, referencesIn, substitute, type TextPart } from './substitution.js'
import type { VariableValue } from './variables.js'

export const TEMPLATE_FORMATS = ['yaml', 'json', 'grub', 'oem-release', 'text'] as const
export type TemplateFormat = (typeof TEMPLATE_FORMATS)[number]

export type TemplateSource =
  | { readonly format: 'yaml'; readonly value: unknown; readonly cloudConfig: boolean }
  | { readonly format: 'json' | 'oem-release'; readonly value: unknown }
  | { readonly format: 'grub'; readonly parts: readonly TextPart[] }
  | { readonly format: 'text'; readonly bytes: Uint8Array }

/**
 * @param file named in errors
 * @throws ERR_TEMPLATE_INVALID | ERR_YAML_SYNTAX
 */
export function parseTemplateSource(format: TemplateFormat, bytes: Uint8Array, file: string): TemplateSource {
  if (format === 'text') return { format, bytes }
  const text = Buffer.from(bytes).toString('utf8')
  switch (format) {
    case 'yaml': {
      assertUnambiguous(text, file)
      const cloudConfig = text.split('\n', 1)[0]?.trimEnd() === CLOUD_CONFIG_HEADER
      return { format, value: parseYaml(text, file), cloudConfig }
    }
    case 'oem-release':
      assertUnambiguous(text, file)
      return { format, value: parseYaml(text, file) }
    case 'json': {
      const parsed = parseJson(text)
      if (parsed.kind === 'json') return { format, value: parsed.value }
      const { line, column, found } = parsed.fault
      throw invalid(`${file}, line ${line}, column ${column}: not valid JSON, found ${found}`, `look at line ${line}`)
    }
    case 'grub':
      return { format, parts: parseGrubParts(text, file) }
  }
}

/** The source with the files that it takes text from put in. @throws ERR_TEMPLATE_INVALID */
export async function withTexts(
  source: TemplateSource,
  file: string,
  read: (source: string) => Promise<string>,
): Promise<TemplateSource> {
  return 'value' in source ? { ...source, value: await includeTexts(source.value, file, read) } : source
}

/** The source without the parts that depend on variables which are not set. */
export function withoutUnset(source: TemplateSource, isSet: (name: string) => boolean): TemplateSource {
  return 'value' in source ? { ...source, value: applyConditions(source.value, isSet) } : source
}

/** Variables that the source refers to, conditions not counted. @throws ERR_TEMPLATE_INVALID */
export function variablesOf(source: TemplateSource, file: string): readonly string[] {
  switch (source.format) {
    case 'yaml':
    case 'json':
    case 'oem-release':
      return referencesIn(source.value, file)
    case 'grub':
      return source.parts.flatMap((part) => (part.kind === 'variable' ? [part.name] : []))
    case 'text':
      return []
  }
}

/** Variables that parts of the source depend on. */
export function conditionsOf(source: TemplateSource): readonly string[] {
  return 'value' in source ? conditionNames(source.value) : []
}

/** @throws ERR_OEM_RELEASE_INVALID when a value has no safe form there */
export function renderSource(
  source: TemplateSource,
  values: ReadonlyMap<string, VariableValue>,
  file: string,
): Uint8Array {
  switch (source.format) {
    case 'text':
      return source.bytes
    case 'yaml': {
      const value = substitute(source.value, values)
      return Buffer.from(source.cloudConfig ? formatCloudConfig(value) : formatYaml(value))
    }
    case 'json':
      return Buffer.from(`${JSON.stringify(substitute(source.value, values), null, 2)}\n`)
    case 'oem-release':
      return Buffer.from(
        formatOemRelease(oemReleaseFromKeys(asKeys(substitute(source.value, values), file), file), file),
      )
    case 'grub':
      return Buffer.from(
        source.parts
          .map((part) =>
            part.kind === 'text' ? part.text : escapeInDoubleQuotes(String(boundValue(part.name, values))),
          )
          .join(''),
      )
  }
}

/** Splits a grub.cfg at its references, and refuses one that stands outside double quotes. */
function parseGrubParts(text: string, file: string): readonly TextPart[] {
  const parts = parseReferences(text, file)
  let before = ''
  for (const part of parts) {
    if (part.kind === 'text') before += part.text
    else if (!endsInDoubleQuotes(before)) {
      const line = before.split('\n').length
      throw invalid(
        `${file}, line ${line}: variable ${part.name} stands outside double quotes`,
        `write set name="…" around it`,
      )
    }
  }
  return parts
}

function endsInDoubleQuotes(text: string): boolean {
  let quote: '"' | "'" | undefined
  for (let offset = 0; offset < text.length; offset++) {
    const character = text[offset]
    if (quote === "'") {
      if (character === "'") quote = undefined
    } else if (character === '\\') {
      offset++
    } else if (character === '"') {
      quote = quote === '"' ? undefined : '"'
    } else if (quote === undefined && character === "'") {
      quote = "'"
    } else if (quote === undefined && character === '#' && /(^|[\s;])$/.test(text.slice(0, offset))) {
      const end = text.indexOf('\n', offset)
      if (end === -1) return false
      offset = end
    }
  }
  return quote === '"'
}

function asKeys(value: unknown, file: string): Readonly<Record<string, string>> {
  if (!isMapping(value)) throw invalid(`${file} is no mapping of oem-release keys`, 'write lines such as ID: rackspace')
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]))
}

/** What one YAML version reads otherwise than the other would change its meaning on the way through. */
function assertUnambiguous(text: string, file: string): void {
  parseYaml(text, file)
  if (meansTheSameToAllReaders(text)) return
  throw invalid(
    `${file} has a value that YAML 1.1 and YAML 1.2 read differently, such as yes, 010 or 2001-01-01`,
    'quote such values',
  )
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_TEMPLATE_INVALID', message, { hint })
}
