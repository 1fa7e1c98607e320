/**
 * Words to describe the shape of Ignition configs of all versions at once: every field says which versions have it.
 *
 * The one description made with them (`config-shape.ts`) becomes a JSON Schema for each version, and tells the other
 * checks which fields came when.
 */
import { compareVersions } from '../../release/ignition-versions.js'

export type Shape =
  | { readonly kind: 'text' | 'integer' | 'boolean' }
  | ListShape
  | { readonly kind: 'object'; readonly name: string; readonly fields: Readonly<Record<string, FieldShape>> }

export interface ListShape {
  readonly kind: 'list'
  readonly items: Shape
  /**
   * What must differ between the items from spec 3.0.0 on: a field's name, or `itself`. Lists of one parent with the
   * same `group` share what they have.
   */
  readonly unique: { readonly by: string; readonly group?: string } | undefined
}

/** First and last version that has it; both count. */
export interface Range {
  readonly since: string
  readonly until: string
}

/** A field may have been something else before; the first variant that a version has counts. */
export interface FieldShape {
  readonly variants: readonly { readonly shape: Shape; readonly ranges: readonly Range[] }[]
  readonly required: boolean
}

export const TEXT: Shape = { kind: 'text' }
export const INTEGER: Shape = { kind: 'integer' }
export const BOOLEAN: Shape = { kind: 'boolean' }

export function list(items: Shape, unique?: ListShape['unique']): ListShape {
  return { kind: 'list', items, unique }
}

/** @param name of the kind of thing, for messages and shared definitions: `file` */
export function object(name: string, fields: Readonly<Record<string, FieldShape>>): Shape {
  return { kind: 'object', name, fields }
}

/** Versions of major 2, from the first to the last of them. */
export function spec2(since = '2.0.0', until = '2.4.0'): Range {
  return { since, until }
}

export function spec3(since = '3.0.0'): Range {
  return { since, until: '3.99.0' }
}

const ALWAYS: Range = { since: '0', until: '3.99.0' }

/** A field that may be left out. @param ranges none: every version has it */
export function optional(shape: Shape, ...ranges: readonly Range[]): FieldShape {
  return { variants: [{ shape, ranges: ranges.length === 0 ? [ALWAYS] : ranges }], required: false }
}

export function required(shape: Shape, ...ranges: readonly Range[]): FieldShape {
  return { ...optional(shape, ...ranges), required: true }
}

/** A field that was one thing and became another. */
export function changing(...fields: readonly FieldShape[]): FieldShape {
  return {
    variants: fields.flatMap((field) => field.variants),
    required: fields.some((field) => field.required),
  }
}

/** What a field is in a version; undefined where the version does not have it. */
export function shapeIn(field: FieldShape | undefined, spec: string): Shape | undefined {
  return field?.variants.find(({ ranges }) => ranges.some((range) => isWithin(range, spec)))?.shape
}

/** The first version that has a field: `2.1.0`. */
export function firstSpecOf(field: FieldShape): string {
  const all = field.variants.flatMap(({ ranges }) => ranges.map(({ since }) => since))
  return all.reduce((first, since) => (compareVersions(since, first) < 0 ? since : first))
}

function isWithin(range: Range, spec: string): boolean {
  return compareVersions(range.since, spec) <= 0 && compareVersions(spec, range.until) <= 0
}
