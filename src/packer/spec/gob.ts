/**
 * A plugin's options as Packer up to 1.11 wants them, and later ones when a plugin among them is old: a gob stream of
 * `hcldec.ObjectSpec`, a map from names to `*hcldec.AttrSpec{Name, Type, Required}`.
 *
 * Source: hashicorp/hcl hcldec/spec.go, hcldec/gob.go; zclconf/go-cty cty/gob.go: a `cty.Type` encodes itself as a
 * complete stream of its own, of `gobType{Version, Impl}`. The names below are Go's, as `gob.Register` makes them. All
 * definitions come first, then the one value; Go itself mixes them, and reads either.
 */
import type { AttributeType, PrimitiveType, Spec } from './attribute.js'
import {
  BUILTIN,
  bytes,
  int,
  mapType,
  message,
  selfEncodingType,
  string,
  struct,
  structType,
  uint,
  ZERO,
} from './gob-words.js'

/** Of our choice, from 65 on; a reader maps them for each stream. */
const ID = { objectSpec: 65, attrSpec: 66, ctyType: 67, gobType: 68, list: 69, primitive: 70, map: 71 } as const

/** cty/gob.go, `primitiveTypeKind`: the kind is a letter. */
const KINDS: Readonly<Record<PrimitiveType, string>> = { string: 'S', bool: 'B', number: 'N' }

export function formatSpecAsGob(spec: Spec): Buffer {
  const entries = Object.entries(spec).map(([name, { required, type }]) => {
    const attribute = struct(string(name), bytes(formatType(type)), required === true ? uint(1) : undefined)
    return Buffer.concat([string(name), inInterface('*hcldec.AttrSpec', ID.attrSpec, attribute)])
  })
  return Buffer.concat([
    mapType('ObjectSpec', ID.objectSpec, BUILTIN.string, BUILTIN.interface),
    structType('AttrSpec', ID.attrSpec, { Name: BUILTIN.string, Type: ID.ctyType, Required: BUILTIN.bool }),
    selfEncodingType('Type', ID.ctyType),
    message(int(ID.objectSpec), ZERO, uint(entries.length), ...entries),
  ])
}

function formatType(type: AttributeType): Buffer {
  if (typeof type === 'string') {
    return typeStream(
      'primitiveType',
      ID.primitive,
      [structType('primitiveType', ID.primitive, { Kind: BUILTIN.uint })],
      struct(uint(KINDS[type].charCodeAt(0))),
    )
  }
  return 'list' in type
    ? collectionStream('typeList', ID.list, type.list)
    : collectionStream('typeMap', ID.map, type.map)
}

function collectionStream(name: string, id: number, element: PrimitiveType): Buffer {
  const definitions = [structType(name, id, { ElementTypeT: ID.ctyType }), selfEncodingType('Type', ID.ctyType)]
  return typeStream(name, id, definitions, struct(bytes(formatType(element))))
}

/** `gobType` with its version left out, which is 0. */
function typeStream(name: string, id: number, definitions: readonly Buffer[], value: Buffer): Buffer {
  return Buffer.concat([
    structType('gobType', ID.gobType, { Version: BUILTIN.int, Impl: BUILTIN.interface }),
    ...definitions,
    message(int(ID.gobType), struct(undefined, inInterface(`github.com/zclconf/go-cty/cty.${name}`, id, value))),
  ])
}

/** What an interface holds: the type's registered name, its number, and the value with its length. */
function inInterface(name: string, id: number, value: Buffer): Buffer {
  return Buffer.concat([string(name), int(id), message(value)])
}
