import { describe, expect, it } from 'vitest'
import { GPT_SIZE_ANCHOR } from '#src/disk/gpt/size-anchor.js'
import { flipBit } from '../../support/bits.js'
import { diskWith, HEADER, headerOf, SECTOR, seal } from '../../support/gpt.js'

const SECTORS = 300
const disk = () => diskWith([{ slot: 6, name: 'OEM', first: 64, last: 100 }], SECTORS)
const { confirms, declaredSize, endBytes, headBytes } = GPT_SIZE_ANCHOR
const head = (image: Buffer) => image.subarray(0, headBytes)
const end = (image: Buffer) => image.subarray(image.length - endBytes)

describe('the size that a GPT tells', () => {
  it('is told by the first sectors and confirmed by the last', () => {
    expect(declaredSize(head(disk()))).toBe(SECTORS * SECTOR)
    expect(confirms(end(disk()), SECTORS * SECTOR)).toBe(true)
  })

  it('is told for images larger than 2 GiB and 4 GiB', () => {
    for (const sectors of [5_000_000, 9_000_000]) {
      const image = disk()
      headerOf(image, 'primary').writeBigUInt64LE(BigInt(sectors - 1), HEADER.alternateLba)
      seal(image)
      expect(declaredSize(head(image))).toBe(sectors * SECTOR)
    }
  })

  it('is not told by a header with any one bit flipped that counts', () => {
    const image = disk()
    for (let bit = 0; bit < 92 * 8; bit++)
      expect(declaredSize(head(flipBit(image, SECTOR * 8 + bit))), `bit ${bit}`).toBeUndefined()
  })

  it('is not confirmed by a backup with any one bit flipped that counts', () => {
    const image = disk()
    for (let bit = 0; bit < 92 * 8; bit++) {
      const spoilt = flipBit(image, (image.length - SECTOR) * 8 + bit)
      expect(confirms(end(spoilt), spoilt.length), `bit ${bit}`).toBe(false)
    }
  })

  it.each([-SECTOR, SECTOR, 8 * SECTOR])(
    'is not confirmed for an image %d bytes larger: the backup knows its place',
    (more) => {
      expect(confirms(end(disk()), SECTORS * SECTOR + more)).toBe(false)
    },
  )

  it('is not confirmed by the primary header, nor by a backup whose primary is not at LBA 1', () => {
    const image = disk()
    expect(confirms(headerOf(image, 'primary'), SECTORS * SECTOR)).toBe(false)
    headerOf(image, 'backup').writeBigUInt64LE(2n, HEADER.alternateLba)
    expect(confirms(end(seal(image)), SECTORS * SECTOR)).toBe(false)
  })

  it.each<[string, Buffer]>([
    ['zeros', Buffer.alloc(headBytes)],
    ['qcow2', Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(headBytes - 4)])],
    ['fewer bytes', Buffer.alloc(100)],
    ['no bytes', Buffer.alloc(0)],
  ])('is not told by %s', (_, bytes) => {
    expect(declaredSize(bytes)).toBeUndefined()
    expect(confirms(bytes.subarray(0, endBytes), SECTORS * SECTOR)).toBe(false)
  })
})
