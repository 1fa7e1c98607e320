/** The vectors were accepted by Packer 1.6.6 (gob) and decoded field by field by the plugin SDK 0.6.0 (protobuf). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPTIONS, SPEC } from '#src/packer/options.js'
import type { AttributeType, Spec } from '#src/packer/spec/attribute.js'
import { formatSpecAsGob } from '#src/packer/spec/gob.js'
import { int, uint } from '#src/packer/spec/gob-words.js'
import { formatSpecAsProtobuf } from '#src/packer/spec/protobuf.js'

const ONE_OPTION: Spec = { template: { type: 'string', required: true } }

describe('a ConfigSpec in gob', () => {
  it('is what Packer 1.6.6 was seen to accept, byte for byte', () => {
    expect(formatSpecAsGob(ONE_OPTION).toString('hex')).toBe(
      '1aff810401010a4f626a6563745370656301ff8200010c0110000036ff8303010108417474725370656301ff8400010301044e616d65010c0001045479706501ff8600010852657175697265640102000000' +
        '10ff85050101045479706501ff86000000ffb9ff8200010874656d706c617465102a68636c6465632e4174747253706563ff84ff97010874656d706c61746501ff872aff8703010107676f625479706501ff' +
        '88000102010756657273696f6e0104000104496d706c011000000024ff8b0301010d7072696d69746976655479706501ff8c00010101044b696e64010600000036ff88022b6769746875622e636f6d2f7a63' +
        '6c636f6e662f676f2d6374792f6374792e7072696d697469766554797065ff8c0301530000010100',
    )
  })

  it('holds numbers that come back, the small ones in one byte', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        expect(readUint(uint(value))).toBe(value)
        expect(uint(value).length === 1).toBe(value < 128)
      }),
    )
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), (value) => {
        const coded = readUint(int(value))
        expect(coded % 2 === 1 ? -((coded - 1) / 2) - 1 : coded / 2).toBe(value)
      }),
    )
  })

  it('is messages to its last byte, the value last, for any options', () => {
    fc.assert(
      fc.property(specs(), (spec) => {
        const messages = gobMessages(formatSpecAsGob(spec))
        expect(messages).toHaveLength(4)
        const value = messages.at(-1) ?? Buffer.alloc(0)
        for (const name of Object.keys(spec)) expect(value.includes(name)).toBe(true)
      }),
    )
  })
})

describe('a ConfigSpec in protobuf', () => {
  it('is what the SDK was seen to decode, byte for byte', () => {
    expect(formatSpecAsProtobuf(ONE_OPTION).toString('hex')).toBe(
      '0a2c0a2a0a0874656d706c617465121e121c0a0874656d706c617465120e0a0c0a0a6374792e537472696e671801',
    )
  })

  it('gives back every option with its type', () => {
    fc.assert(
      fc.property(specs(), (spec) => {
        expect(readSpec(formatSpecAsProtobuf(spec))).toEqual(withRequired(spec))
      }),
    )
    expect(readSpec(formatSpecAsProtobuf(SPEC))).toEqual(withRequired(SPEC))
  })
})

describe('the options', () => {
  it('have the types that a template gives them', () => {
    const typeOf = (name: string): unknown => OPTIONS[name]?.type
    expect(typeOf('template')).toBe('string')
    expect(typeOf('variables')).toEqual({ map: 'string' })
    expect(typeOf('files')).toEqual({ list: 'string' })
    expect(typeOf('in_place')).toBe('bool')
    expect(typeOf('level')).toBe('number')
  })
})

function specs(): fc.Arbitrary<Spec> {
  const primitive = fc.constantFrom('string', 'bool', 'number')
  const type = fc.oneof(primitive, fc.record({ list: primitive }), fc.record({ map: primitive }))
  const name = fc.stringMatching(/^[a-z][a-z_]{0,200}$/)
  return fc.dictionary(name, fc.record({ type, required: fc.boolean() })) as fc.Arbitrary<Spec>
}

const withRequired = (spec: Spec): Spec =>
  Object.fromEntries(
    Object.entries(spec).map(([name, { type, required }]) => [name, { type, required: required === true }]),
  )

function readUint(bytes: Buffer): number {
  const first = bytes.readUInt8(0)
  return first < 128 ? first : Number.parseInt(bytes.subarray(1, 1 + 256 - first).toString('hex'), 16)
}

function gobMessages(stream: Buffer): Buffer[] {
  const out: Buffer[] = []
  for (let at = 0; at < stream.length; ) {
    const first = stream.readUInt8(at)
    const headBytes = first < 128 ? 1 : 1 + 256 - first
    const length = readUint(stream.subarray(at))
    const message = stream.subarray(at + headBytes, at + headBytes + length)
    expect(message).toHaveLength(length)
    out.push(message)
    at += headBytes + length
  }
  return out
}

/** Fields of a protobuf message, as [number, content]. */
function fieldsOf(bytes: Buffer): readonly (readonly [number, Buffer])[] {
  const out: [number, Buffer][] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const length = varint()
    if ((tag & 7) === 0) out.push([tag >> 3, Buffer.from([length])])
    else {
      out.push([tag >> 3, bytes.subarray(at, at + length)])
      at += length
    }
  }
  expect(at).toBe(bytes.length)
  return out
}

const one = (bytes: Buffer, number: number): Buffer | undefined =>
  fieldsOf(bytes).find(([found]) => found === number)?.[1]

function readSpec(bytes: Buffer): Spec {
  const entries = fieldsOf(one(bytes, 1) ?? Buffer.alloc(0)).map(([, entry]) => {
    const attr = one(one(entry, 2)!, 2)!
    expect(one(attr, 1)).toEqual(one(entry, 1))
    return [String(one(entry, 1)), { type: readType(one(attr, 2)!), required: one(attr, 3) !== undefined }] as const
  })
  return Object.fromEntries(entries)
}

function readType(bytes: Buffer): AttributeType {
  const [number, content] = fieldsOf(bytes)[0]!
  if (number === 1)
    return { 'cty.String': 'string', 'cty.Bool': 'bool', 'cty.Number': 'number' }[
      String(one(content, 1))
    ] as AttributeType
  const element = readType(one(content, 1)!) as 'string'
  return number === 2 ? { list: element } : { map: element }
}
