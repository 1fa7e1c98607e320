/**
 * What every check of a config's meaning is given: the document, its version, and a way to say what is wrong where.
 *
 * Checks read tolerantly: what has the wrong type is told by `schema/structure.ts` and skipped here.
 */
import type { Finding, Severity } from '../../finding.js'
import { arrayField, field, isMapping, type Mapping } from '../../mapping.js'
import { compareVersions } from '../../release/ignition-versions.js'
import type { IgnitionDocument, JsonPath } from '../document.js'
import { IGNITION_RULES, type IgnitionRule } from '../rules.js'

export interface Subject {
  readonly document: IgnitionDocument
  /** The version whose rules hold: `2.1.0` for `2.1.0-experimental` too. */
  readonly spec: string
  readonly isSpec3: boolean
  readonly atLeast: (spec: string) => boolean
  readonly found: (
    rule: IgnitionRule,
    path: JsonPath,
    says: string,
    more?: { readonly hint?: string; readonly severity?: Severity },
  ) => Finding
}

export function subjectOf(document: IgnitionDocument, spec: string): Subject {
  return {
    document,
    spec,
    isSpec3: spec.startsWith('3.'),
    atLeast: (other) => compareVersions(spec, other) >= 0,
    found: (rule, path, says, more = {}) =>
      IGNITION_RULES.found(rule, says, { place: document.placeOf(path), ...more }),
  }
}

/** An item of a list, with its path. */
export interface Item {
  readonly path: JsonPath
  readonly value: Mapping
}

/** The objects of the list that a path leads to. */
export function itemsAt(subject: Subject, path: readonly string[]): readonly Item[] {
  const holder = path.slice(0, -1)
  return itemAt(subject, holder).flatMap((item) => itemsIn(item, path.slice(-1)))
}

/** The object that a path leads to, if there is one. */
export function itemAt(subject: Subject, path: readonly string[]): readonly Item[] {
  const value = path.reduce<unknown>(field, subject.document.value)
  return isMapping(value) ? [{ path, value }] : []
}

/** The objects of a list within an item. */
export function itemsIn(item: Item, keys: readonly string[]): readonly Item[] {
  const path = [...item.path, ...keys]
  const holder = keys.slice(0, -1).reduce<unknown>(field, item.value)
  return arrayField(holder, keys.at(-1) ?? '').flatMap((value, index) =>
    isMapping(value) ? [{ path: [...path, index], value }] : [],
  )
}

/** The object that a key of an item holds. */
export function innerItem(item: Item, key: string): Item | undefined {
  const value = field(item.value, key)
  return isMapping(value) ? { path: [...item.path, key], value } : undefined
}
