/**
 * A plugin's options as Packer from 1.12 on asks for them, with `--protobuf`.
 *
 * Source: hashicorp/packer-plugin-sdk v0.6.0, hcl2helper and rpc (hcl_spec.proto), read. The messages, with the
 * numbers of their fields:
 *
 *   Spec     object = 1: Object     attr = 2: Attr
 *   Object   attributes = 1: map<string, Spec>
 *   Attr     name = 1: string       type = 2: CtyType       required = 3: bool
 *   CtyType  primitive = 1: { typeString = 1: string }      list = 2, map = 3: { elementType = 1: CtyType }
 */
import type { AttributeType, PrimitiveType, Spec } from './attribute.js'

/** Wire types (protobuf.dev, "Encoding"). */
const VARINT = 0
const LENGTH_DELIMITED = 2

const TYPE_NAMES: Readonly<Record<PrimitiveType, string>> = {
  string: 'cty.String',
  bool: 'cty.Bool',
  number: 'cty.Number',
}

export function formatSpecAsProtobuf(spec: Spec): Buffer {
  const attributes = Object.entries(spec).map(([name, { required, type }]) => {
    const attr = Buffer.concat([
      text(1, name),
      field(2, formatType(type)),
      required === true ? flag(3) : Buffer.alloc(0),
    ])
    // A map is a list of entries with fields 1, the key, and 2, the value.
    return field(1, Buffer.concat([text(1, name), field(2, field(2, attr))]))
  })
  return field(1, Buffer.concat(attributes))
}

function formatType(type: AttributeType): Buffer {
  if (typeof type === 'string') return field(1, text(1, TYPE_NAMES[type]))
  return 'list' in type ? field(2, field(1, formatType(type.list))) : field(3, field(1, formatType(type.map)))
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(content.length), content])
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value))
}

function flag(number: number): Buffer {
  return Buffer.concat([varint((number << 3) | VARINT), varint(1)])
}

/** Seven bits a byte, the lowest first; the eighth says that more follow. */
function varint(value: number): Buffer {
  const out: number[] = []
  let rest = value
  while (rest > 0x7f) {
    out.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  return Buffer.from([...out, rest])
}
