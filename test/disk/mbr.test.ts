import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { readMbrKind } from '#src/disk/mbr.js'

/** A sector with these partition types in its four entries. */
function sectorWith(types: readonly number[], signature = 0xaa55): MemoryDevice {
  const sector = Buffer.alloc(512)
  for (const [index, type] of types.entries()) sector.writeUInt8(type, 446 + 16 * index + 4)
  sector.writeUInt16LE(signature, 510)
  return new MemoryDevice(sector)
}

describe('readMbrKind', () => {
  it.each<['protective' | 'hybrid' | 'none', readonly number[]]>([
    ['protective', [0xee]],
    ['protective', [0, 0, 0, 0xee]],
    ['hybrid', [0xef, 0xee]],
    ['hybrid', [0xee, 0, 0x83]],
    ['none', [0x83]],
    ['none', []],
  ])('calls it %s when the entries are of types %j', async (kind, types) => {
    expect(await readMbrKind(sectorWith(types))).toBe(kind)
  })

  it('sees no MBR without the signature', async () => {
    expect(await readMbrKind(sectorWith([0xee], 0x55aa))).toBe('none')
  })
})
