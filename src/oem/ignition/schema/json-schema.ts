/**
 * The JSON Schema (draft-07) of one version of Ignition configs, from the description of them all.
 *
 * Every object of the same name and fields is one definition. Unknown keys break the schema, so that they are reported;
 * how grave that is, is decided by whoever reports.
 */
import { KNOWN_SPECS } from '../../release/ignition-versions.js'
import { configShape } from './config-shape.js'
import { type Shape, shapeIn } from './shape.js'

export interface JsonSchema {
  readonly type?: 'string' | 'integer' | 'boolean' | 'array' | 'object'
  readonly $ref?: string
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false
  readonly definitions?: Readonly<Record<string, JsonSchema>>
}

/** Versions that have a schema of their own. */
export const SCHEMA_SPECS: readonly string[] = KNOWN_SPECS

export function jsonSchemaOf(spec: string): JsonSchema {
  const names = new Map<Shape, string>()
  const definitions: Record<string, JsonSchema> = {}
  const build = (shape: Shape): JsonSchema => {
    switch (shape.kind) {
      case 'text':
        return { type: 'string' }
      case 'integer':
      case 'boolean':
        return { type: shape.kind }
      case 'list':
        return { type: 'array', items: build(shape.items) }
      case 'object': {
        const known = names.get(shape)
        if (known !== undefined) return { $ref: `#/definitions/${known}` }
        const name = `${names.size}-${shape.name.replaceAll(' ', '-')}`
        names.set(shape, name)
        const present = Object.entries(shape.fields).flatMap(([key, field]) => {
          const inSpec = shapeIn(field, spec)
          return inSpec === undefined ? [] : [{ key, schema: build(inSpec), required: field.required }]
        })
        definitions[name] = {
          type: 'object',
          properties: Object.fromEntries(present.map(({ key, schema }) => [key, schema])),
          required: present.filter((entry) => entry.required).map(({ key }) => key),
          additionalProperties: false,
        }
        return { $ref: `#/definitions/${name}` }
      }
    }
  }
  return { ...build(configShape(spec)), definitions }
}
