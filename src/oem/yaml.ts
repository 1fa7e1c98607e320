/**
 * The one importer of js-yaml: parse with a place for every error, format so that every reader agrees.
 *
 * coreos-cloudinit on Container Linux reads YAML 1.1 (an old go-yaml), Flatcar's since branch 3913 reads YAML 1.2 with
 * leftovers (yaml.v3). `010`, `yes`, `1:30` or `2001-01-01` unquoted mean different things to them, so what we write
 * must parse the same under both versions: js-yaml's dump schema quotes whatever either would take for something else.
 */
import { isDeepStrictEqual } from 'node:util'
import { CORE_SCHEMA, dump, loadAll, mergeTag, YAML11_SCHEMA, YAMLException } from 'js-yaml'
import { InternalError, UsageError } from '../errors.js'

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

function syntaxError(error: unknown, file: string): UsageError {
  const mark = error instanceof YAMLException ? error.mark : undefined
  const reason = error instanceof YAMLException ? error.reason : error instanceof Error ? error.message : String(error)
  // The marks of js-yaml count from 0.
  const line = mark === undefined ? undefined : mark.line + 1
  const column = mark === undefined ? undefined : mark.column + 1
  const where = line === undefined ? file : `${file}, line ${line}, column ${column}`
  return new UsageError('ERR_YAML_SYNTAX', `${where}: ${reason}`, {
    hint: line === undefined ? `check the YAML in ${file}` : `look at line ${line} of ${file} and the line before it`,
    details: { file, line, column },
    cause: error,
  })
}
