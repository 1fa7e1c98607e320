/**
 * The one importer of js-yaml: parse with a place for every error, format so that every reader agrees.
 *
 * coreos-cloudinit on Container Linux reads YAML 1.1 (an old go-yaml), Flatcar's since branch 3913 reads YAML 1.2 with
 * leftovers (yaml.v3). `010`, `yes`, `1:30` or `2001-01-01` unquoted mean different things to them, so what we write
 * must parse the same under both versions: js-yaml's dump schema quotes whatever either would take for something else.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  type AliasEvent,
  CORE_SCHEMA,
  constructFromEvents,
  dump,
  EVENT_ID,
  type Event,
  getScalarValue,
  loadAll,
  mergeTag,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAML11_SCHEMA,
  YAMLException,
} from 'js-yaml'
import { InternalError, UsageError } from '../errors.js'
import { composeTree, type TreeEvent } from './yaml-compose.js'
import type { YamlDocument, YamlPosition } from './yaml-tree.js'

/** More than any cloud-config needs, few enough that aliases can't blow up a document. */
const MAX_ALIASES = 100

const YAML_1_2 = CORE_SCHEMA.withTags(mergeTag)

/**
 * Parses one YAML 1.2 document.
 *
 * @param file named in errors
 * @returns null for a document without content
 * @throws ERR_YAML_SYNTAX with file, line and column, both from 1
 */
export function parseYaml(text: string, file: string): unknown {
  let documents: unknown[]
  try {
    documents = loadAll(text, { schema: YAML_1_2, maxAliases: MAX_ALIASES })
  } catch (error) {
    throw syntaxError(error, file)
  }
  if (documents.length > 1) {
    throw new UsageError('ERR_YAML_SYNTAX', `${file} holds ${documents.length} YAML documents, expected one`, {
      hint: 'remove the `---` line that starts the second document: only the first would be read',
      details: { file },
    })
  }
  return documents[0] ?? null
}

/**
 * Parses all documents of a text into trees with positions. Aliases are followed, merge keys (`<<`) carried out; of doubled
 * keys the last one counts, and all are told.
 *
 * @returns none for a text without content
 * @throws ERR_YAML_SYNTAX with file, line and column, both from 1
 */
export function parseYamlTrees(text: string, file: string): readonly YamlDocument[] {
  const positionOf = positions(text)
  const fail = (reason: string, at: YamlPosition): never => {
    throw syntaxErrorAt(reason, file, at)
  }
  let events: readonly Event[]
  try {
    events = parseEvents(text, {})
  } catch (error) {
    throw syntaxError(error, file)
  }
  return composeTree(
    events.map((event) => treeEvent(event, text, positionOf)),
    { maxAliases: MAX_ALIASES, fail },
  )
}

/** What a plain scalar without a tag is to readers of either version. */
export function plainScalarReadings(text: string): { readonly yaml11: unknown; readonly yaml12: unknown } {
  const scalar: ScalarEvent = {
    type: EVENT_ID.SCALAR,
    valueStart: 0,
    valueEnd: text.length,
    anchorStart: -1,
    anchorEnd: -1,
    tagStart: -1,
    tagEnd: -1,
    style: SCALAR_STYLE.PLAIN,
    chomping: 1,
    indent: -1,
    fast: true,
  }
  const events: Event[] = [
    { type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] },
    scalar,
    { type: EVENT_ID.POP },
  ]
  const [yaml11] = constructFromEvents(events, { source: text, schema: YAML11_SCHEMA })
  const [yaml12] = constructFromEvents(events, { source: text, schema: CORE_SCHEMA })
  return { yaml11, yaml12 }
}

/** Whether YAML 1.1 and YAML 1.2 readers see the same values in this text. */
export function meansTheSameToAllReaders(text: string): boolean {
  try {
    return isDeepStrictEqual(
      loadAll(text, { schema: YAML_1_2, maxAliases: MAX_ALIASES }),
      loadAll(text, { schema: YAML11_SCHEMA, maxAliases: MAX_ALIASES }),
    )
  } catch {
    // One of them refuses it: that is a difference.
    return false
  }
}

/** Formats plain data in block style, keys in their own order, no line folding, anchors written out. */
export function formatYaml(value: unknown): string {
  const text = dump(value, { lineWidth: -1, noRefs: true })
  if (!meansTheSameToAllReaders(text)) {
    throw new InternalError('ERR_INTERNAL', 'formatted YAML means different things to YAML 1.1 and YAML 1.2 readers')
  }
  return text
}

/** The same event with text and position instead of offsets. */
function treeEvent(event: Event, text: string, positionOf: (offset: number) => YamlPosition): TreeEvent {
  switch (event.type) {
    case EVENT_ID.DOCUMENT:
      return { kind: 'document', explicit: event.explicitStart }
    case EVENT_ID.POP:
      return { kind: 'end' }
    case EVENT_ID.ALIAS:
      return { kind: 'alias', anchor: nameOf(event, text) ?? '', at: positionOf(event.anchorStart - '*'.length) }
    case EVENT_ID.SEQUENCE:
      return { kind: 'list', anchor: nameOf(event, text), at: positionOf(event.start) }
    case EVENT_ID.MAPPING:
      return { kind: 'mapping', anchor: nameOf(event, text), at: positionOf(event.start) }
    case EVENT_ID.SCALAR: {
      const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
      const start = startOf(event, text)
      return {
        kind: 'scalar',
        anchor: nameOf(event, text),
        // An empty one stands nowhere: composing gives it the place of what stands before it.
        at: start < 0 ? undefined : positionOf(quoted ? start - 1 : start),
        textLine: start < 0 ? undefined : positionOf(event.valueStart).line,
        text: start < 0 ? '' : getScalarValue(text, event),
        plain: event.style === SCALAR_STYLE.PLAIN,
        literal: event.style === SCALAR_STYLE.LITERAL_BLOCK,
        tag: event.tagStart < 0 ? undefined : text.slice(event.tagStart, event.tagEnd),
      }
    }
  }
}

/** Where the first visible character of a scalar stands, which in a block is past the indentation. */
function startOf({ style, valueEnd, valueStart }: ScalarEvent, text: string): number {
  if (style !== SCALAR_STYLE.LITERAL_BLOCK && style !== SCALAR_STYLE.FOLDED_BLOCK) return valueStart
  const blanks = /^\s*/.exec(text.slice(valueStart, valueEnd))?.[0].length ?? 0
  return valueStart + blanks === valueEnd ? valueStart : valueStart + blanks
}

function nameOf({ anchorEnd, anchorStart }: Omit<AliasEvent, 'type'>, text: string): string | undefined {
  return anchorStart < 0 ? undefined : text.slice(anchorStart, anchorEnd)
}

/** Lines end with LF, CR or both. */
function positions(text: string): (offset: number) => YamlPosition {
  const starts = [0, ...[...text.matchAll(/\r\n?|\n/g)].map((end) => end.index + end[0].length)]
  return (offset) => {
    let low = 0
    for (let high = starts.length; high - low > 1; ) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function syntaxError(error: unknown, file: string): UsageError {
  if (error instanceof YAMLException && error.mark !== undefined) {
    // The marks of js-yaml count from 0.
    return syntaxErrorAt(error.reason, file, { line: error.mark.line + 1, column: error.mark.column + 1 }, error)
  }
  return new UsageError('ERR_YAML_SYNTAX', `${file}: ${error instanceof Error ? error.message : String(error)}`, {
    hint: `check the YAML in ${file}`,
    details: { file },
    cause: error,
  })
}

function syntaxErrorAt(reason: string, file: string, { line, column }: YamlPosition, cause?: unknown): UsageError {
  return new UsageError('ERR_YAML_SYNTAX', `${file}, line ${line}, column ${column}: ${reason}`, {
    hint: `look at line ${line} of ${file} and the line before it`,
    details: { file, line, column },
    cause,
  })
}
