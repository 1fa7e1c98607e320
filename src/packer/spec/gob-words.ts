/**
 * The words of gob, Go's own encoding: as many as a ConfigSpec needs (`gob.ts`).
 *
 * Source: Go's encoding/gob doc.go, "Encoding Details". A stream is messages, each with its length in front: first the
 * definitions of types, under numbers of the writer's choice, then a value. In a struct each field that is not zero has
 * the distance from the one before it in front; a zero ends it.
 */

/** Numbers of the types that every reader knows. */
export const BUILTIN = { bool: 1, int: 2, uint: 3, string: 6, interface: 8 } as const

/** Ends a struct; also the mark in front of a value that is no struct. */
export const ZERO = Buffer.from([0])

/** Below 128 in one byte; else the negated count of bytes, then the bytes, the highest first. */
export function uint(value: number): Buffer {
  if (value < 128) return Buffer.from([value])
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.from([256 - bytes.length]), bytes])
}

/** The sign in the lowest bit; of a negative number the complement. */
export function int(value: number): Buffer {
  return uint(value < 0 ? 2 * (-value - 1) + 1 : 2 * value)
}

export function bytes(content: Buffer): Buffer {
  return Buffer.concat([uint(content.length), content])
}

export function string(text: string): Buffer {
  return bytes(Buffer.from(text))
}

/** A message, and a value inside an interface, are the same: a length, then what it counts. */
export function message(...parts: readonly Buffer[]): Buffer {
  return bytes(Buffer.concat(parts))
}

/** @param fields a struct's fields from the first one on, none of them zero unless it is left undefined */
export function struct(...fields: readonly (Buffer | undefined)[]): Buffer {
  const parts: Buffer[] = []
  let distance = 1
  for (const field of fields) {
    if (field === undefined) {
      distance += 1
      continue
    }
    parts.push(uint(distance), field)
    distance = 1
  }
  return Buffer.concat([...parts, ZERO])
}

/** wireType's field 3, a structType: its common part and its fields. */
export function structType(name: string, id: number, fields: Readonly<Record<string, number>>): Buffer {
  const listed = Object.entries(fields).map(([field, type]) => struct(string(field), int(type)))
  return define(id, 3, struct(common(name, id), Buffer.concat([uint(listed.length), ...listed])))
}

/** wireType's field 4, a mapType. */
export function mapType(name: string, id: number, key: number, element: number): Buffer {
  return define(id, 4, struct(common(name, id), int(key), int(element)))
}

/** wireType's field 5: a type that encodes itself into bytes. */
export function selfEncodingType(name: string, id: number): Buffer {
  return define(id, 5, struct(common(name, id)))
}

/** CommonType: name and number. */
function common(name: string, id: number): Buffer {
  return struct(string(name), int(id))
}

/** A definition's message has the negated number in front. */
function define(id: number, wireTypeField: number, type: Buffer): Buffer {
  return message(int(-id), uint(wireTypeField), type, ZERO)
}
