/**
 * What a list names twice. From spec 3.0.0 on Ignition refuses it; the description of the config says what must differ.
 *
 * Source: coreos/ignition config/validate/validate.go, and the Key methods in config/v3_*_/types.
 */
import type { Finding } from '../../finding.js'
import { field, isMapping } from '../../mapping.js'
import type { JsonPath } from '../document.js'
import { configShape } from '../schema/config-shape.js'
import { type ListShape, type Shape, shapeIn } from '../schema/shape.js'
import type { Subject } from './subject.js'

export function checkDuplicates(subject: Subject): readonly Finding[] {
  if (!subject.isSpec3) return []
  return findDuplicates(subject).map(({ path, says }) =>
    subject.found('ignition-duplicate', path, says, { hint: 'make one entry of the two' }),
  )
}

export interface Duplicate {
  readonly path: JsonPath
  readonly says: string
}

export function findDuplicates(subject: Subject): readonly Duplicate[] {
  return walk(subject, configShape(subject.spec), subject.document.value, [])
}

function walk(subject: Subject, shape: Shape, value: unknown, path: JsonPath): readonly Duplicate[] {
  if (shape.kind === 'list' && Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => walk(subject, shape.items, item, [...path, index]))
  }
  if (shape.kind !== 'object' || !isMapping(value)) return []
  const seen = new Map<string, Set<unknown>>()
  return Object.entries(shape.fields).flatMap(([key, fieldShape]) => {
    const inner = shapeIn(fieldShape, subject.spec)
    const held = field(value, key)
    if (inner === undefined || held === undefined) return []
    const own = inner.kind === 'list' && Array.isArray(held) ? repeated(inner, held, [...path, key], seen) : []
    return [...own, ...walk(subject, inner, held, [...path, key])]
  })
}

function repeated(
  { unique }: ListShape,
  items: readonly unknown[],
  path: JsonPath,
  seen: Map<string, Set<unknown>>,
): readonly Duplicate[] {
  if (unique === undefined) return []
  const group = unique.group ?? String(path.at(-1))
  const names = seen.get(group) ?? new Set()
  seen.set(group, names)
  return items.flatMap((item, index) => {
    const name = unique.by === 'itself' ? item : (field(item, unique.by) ?? '')
    if (!names.has(name)) {
      names.add(name)
      return []
    }
    const what = unique.by === 'itself' ? String(path.at(-1)) : unique.by
    return [{ path: [...path, index], says: `${what} ${JSON.stringify(name)} is there twice` }]
  })
}
