/** One-bit changes of a disk outside its OEM partition, in every form of image. */
import { closeSync, copyFileSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { expect } from 'vitest'
import { type ProveRequest, prove } from '../../dist/index.js'
import { partitionRange } from '../e2e/outside.js'
import { type Form, inForm } from './prove.js'
import { noise } from './random.js'

export interface Falsity {
  readonly title: string
  readonly offset: number
  readonly bit: number
}

/** Places that matter, and random ones, the same in every run. */
export function falsities(disk: string, random: number, seed: string): readonly Falsity[] {
  const { size } = statSync(disk)
  const oem = partitionRange(disk, 6)
  const named: Readonly<Record<string, number>> = {
    'the boot sector': 100,
    'the GPT signature': 512,
    'the GPT header': 512 + 60,
    "the disk's GUID": 512 + 57,
    'a GPT entry': 1024 + 5 * 128 + 56,
    'an unused GPT entry': 1024 + 100 * 128,
    'the gap before the first partition': 600 * 512,
    'the last sector before the OEM partition': oem.offset - 1,
    'the first sector behind the OEM partition': oem.offset + oem.length,
    'the gap behind the last partition': size - 100 * 512,
    'a backup GPT entry': size - 33 * 512 + 5 * 128 + 56,
    'the backup GPT header': size - 512 + 60,
    'the last byte': size - 1,
  }
  const numbers = noise(random * 9, seed)
  return [
    ...Object.entries(named).map(([title, offset], nth) => ({ title, offset, bit: nth % 8 })),
    ...Array.from({ length: random }, (_, nth) => {
      const place = Number(numbers.readBigUInt64LE(nth * 9) % BigInt(size - oem.length))
      const offset = place < oem.offset ? place : place + oem.length
      return { title: `byte ${offset}`, offset, bit: numbers.readUInt8(nth * 9 + 8) % 8 }
    }),
  ]
}

/** A proof of an edition with that bit the other way is false, and says where. */
export async function expectFalse(
  pair: {
    readonly original: string
    readonly bakedDisk: string
    readonly work: string
    readonly request?: Partial<ProveRequest>
  },
  form: Form,
  { bit, offset, title }: Falsity,
): Promise<void> {
  const { bakedDisk, original, work } = pair
  const disk = `${work}.disk`
  copyFileSync(bakedDisk, disk)
  flip(disk, offset, bit)
  const baked = inForm(disk, form, `${work}.false`)
  const report = await prove({ ...pair.request, original, baked })
  expect(report, `${form}: ${title}`).toMatchObject({
    holds: false,
    outside: {
      identical: false,
      differingSectors: 1,
      differingRanges: 1,
      first: [{ firstSector: Math.floor(offset / 512), sectors: 1, place: placeOf(offset, disk) }],
    },
  })
  expect(report.files, title).toBeUndefined()
  rmSync(disk)
  rmSync(baked)
}

function placeOf(offset: number, disk: string): unknown {
  const { size } = statSync(disk)
  if (offset < 34 * 512) return 'partition table'
  if (offset >= size - 33 * 512) return 'backup partition table'
  return expect.stringMatching(/^partition \d \((USR-A|ROOT)\)$|^no partition$/)
}

function flip(path: string, offset: number, bit: number): void {
  const fd = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, offset)
  byte.writeUInt8(byte.readUInt8(0) ^ (1 << bit))
  writeSync(fd, byte, 0, 1, offset)
  closeSync(fd)
}
