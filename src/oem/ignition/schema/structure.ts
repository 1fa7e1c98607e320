/**
 * What the JSON Schema of a config's version says about it, as findings: wrong types and missing fields, which Ignition
 * refuses sooner or later, and keys that it does not know, which it skips.
 */
import type { Finding } from '../../finding.js'
import { field, shapeOf } from '../../mapping.js'
import { nearestName } from '../../nearest.js'
import { compareVersions } from '../../release/ignition-versions.js'
import { formatPath, type IgnitionDocument, type JsonPath } from '../document.js'
import { IGNITION_RULES } from '../rules.js'
import { configShape } from './config-shape.js'
import { firstSpecOf, type Shape, shapeIn } from './shape.js'
import { pointerPath, type SchemaError, schemaErrors } from './validator.js'

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

export function checkStructure(document: IgnitionDocument, spec: string): readonly Finding[] {
  return schemaErrors(document.value, spec).map((error) => asFinding(error, document, spec))
}

function asFinding({ instancePath, keyword, params }: SchemaError, document: IgnitionDocument, spec: string): Finding {
  const path = pointerPath(instancePath)
  if (keyword === 'required') {
    const missing = String(params.missingProperty)
    return IGNITION_RULES.found('ignition-missing', `${nameOf(path)} has no ${missing}`, {
      place: document.placeOf(path),
      hint: `add ${JSON.stringify(missing)}`,
    })
  }
  if (keyword === 'additionalProperties') {
    return unknownKey([...path, String(params.additionalProperty)], document, spec)
  }
  const expected = EXPECTED[String(params.type)] ?? String(params.type)
  return IGNITION_RULES.found(
    'ignition-structure',
    `${nameOf(path)} is ${describe(valueAt(document.value, path))}, expected ${expected}`,
    { place: document.placeOf(path), hint: hintFor(String(params.type), valueAt(document.value, path)) },
  )
}

function unknownKey(path: JsonPath, document: IgnitionDocument, spec: string): Finding {
  const key = String(path.at(-1))
  const shape = shapeAt(configShape(spec), path.slice(0, -1), spec)
  const fields = shape?.kind === 'object' ? shape.fields : {}
  const elsewhere = Object.hasOwn(fields, key) ? fields[key] : undefined
  const known = Object.keys(fields).filter((name) => shapeIn(fields[name], spec) !== undefined)
  const nearest = known.find((name) => name.toLowerCase() === key.toLowerCase()) ?? nearestName(key, known)
  const details = { place: document.keyPlaceOf(path) }
  if (elsewhere !== undefined) {
    const versions = elsewhere.variants.flatMap(({ ranges }) => ranges)
    const later = versions.some(({ since }) => compareVersions(since, spec) > 0)
    return IGNITION_RULES.found(
      'ignition-unknown-key',
      later
        ? `${formatPath(path)} is skipped: it came with version ${firstAfter(versions, spec) ?? firstSpecOf(elsewhere)}, this config has ${spec}`
        : `${formatPath(path)} is skipped: version ${spec} has it no more`,
      { ...details, hint: `leave it out, or change ignition.version` },
    )
  }
  return IGNITION_RULES.found('ignition-unknown-key', `${formatPath(path)} is skipped: Ignition knows no such key`, {
    ...details,
    hint: nearest === undefined ? `known here: ${known.join(', ')}` : `did you mean ${nearest}?`,
  })
}

function firstAfter(ranges: readonly { readonly since: string }[], spec: string): string | undefined {
  return ranges
    .map(({ since }) => since)
    .filter((since) => compareVersions(since, spec) > 0)
    .sort(compareVersions)
    .at(0)
}

/** The shape of what a path leads to. */
function shapeAt(shape: Shape | undefined, path: JsonPath, spec: string): Shape | undefined {
  const [step, ...rest] = path
  if (step === undefined || shape === undefined) return shape
  if (shape.kind === 'list') return shapeAt(shape.items, rest, spec)
  if (shape.kind !== 'object' || typeof step !== 'string') return undefined
  return shapeAt(Object.hasOwn(shape.fields, step) ? shapeIn(shape.fields[step], spec) : undefined, rest, spec)
}

function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof step === 'number' ? (Array.isArray(inner) ? inner[step] : undefined) : field(inner, step)),
    value,
  )
}

function describe(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? `the number ${value}` : 'no whole number'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  return typeof value === 'boolean' ? String(value) : shapeOf(value)
}

function hintFor(expected: string, value: unknown): string | undefined {
  if (expected === 'integer' && typeof value === 'string' && /^0?[0-7]{3,4}$/.test(value)) {
    return `JSON has no octal numbers: ${value} is ${Number.parseInt(value, 8)}`
  }
  return expected === 'boolean' && typeof value === 'string' ? 'write true or false without quotes' : undefined
}

function nameOf(path: JsonPath): string {
  return path.length === 0 ? 'the config' : formatPath(path)
}
