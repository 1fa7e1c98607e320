import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { sniff } from '#src/source/sniff.js'
import { compress } from '../support/bzip2.js'
import { diskWith } from '../support/gpt.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const kindOf = (bytes: Buffer) => sniff(new MemoryDevice(bytes))
const directory = temporaryDirectory()

describe('sniff', () => {
  it.each<[string, string, readonly string[]]>([
    ['qcow2', 'qcow2', []],
    ['qed', 'qed', []],
    ['vdi', 'vdi', []],
    ['vhdx', 'vhdx', []],
    ['vmdk', 'vmdk', []],
    ['vmdk descriptor', 'vmdk', ['-o', 'subformat=monolithicFlat']],
    ['vhd (dynamic)', 'vpc', []],
    ['vhd (fixed)', 'vpc', ['-o', 'subformat=fixed']],
  ])('knows a %s that qemu-img makes', async (kind, format, options) => {
    const path = join(directory, `disk-${kind.replaceAll(/\W/g, '')}.${format}`)
    execFileSync('qemu-img', ['create', '-q', '-f', format, ...options, path, '2M'])
    expect(await kindOf(readFileSync(path))).toBe(kind)
  })

  it('sees the footer of a fixed VHD behind a disk that is sound in itself', async () => {
    const disk = diskWith([])
    expect(await kindOf(disk)).toBe('disk with a GPT')
    const raw = join(directory, 'raw.img')
    const vhd = join(directory, 'fixed.vhd')
    writeFileSync(raw, disk)
    truncateSync(raw, 1 << 20)
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', raw, vhd])
    expect(await kindOf(readFileSync(vhd))).toBe('vhd (fixed)')
  })

  it('knows bzip2 by its header and the magic behind it, at every level, with and without blocks', async () => {
    for (const level of [1, 2, 3, 4, 5, 6, 7, 8, 9]) expect(await kindOf(compress(noise(100), level))).toBe('bzip2')
    expect(await kindOf(compress(Buffer.alloc(0)))).toBe('bzip2')
    expect(await kindOf(Buffer.concat([Buffer.from('BZh9'), noise(100)]))).toBe('unknown')
    expect(await kindOf(Buffer.from('BZh0\x31\x41\x59\x26\x53\x59'))).not.toBe('bzip2')
  })

  it('calls a file bzip2 that is cut off inside the first ten bytes, so that it is told as cut off', async () => {
    const file = compress(noise(100))
    for (let length = 4; length < 12; length++) expect(await kindOf(file.subarray(0, length))).toBe('bzip2')
  })

  it('knows a disk by its partition table', async () => {
    const disk = diskWith([])
    expect(await kindOf(disk)).toBe('disk with a GPT')
    disk.write('????', 512)
    expect(await kindOf(disk)).toBe('disk with an MBR')
  })

  it('knows other things that people download', async () => {
    const at = (offset: number, text: string) => {
      const bytes = Buffer.alloc(40_000, 1)
      bytes.write(text, offset, 'latin1')
      return bytes
    }
    expect(await kindOf(at(0x8001, 'CD001'))).toBe('iso 9660')
    expect(await kindOf(at(0, 'hsqs'))).toBe('squashfs')
    expect(await kindOf(at(0, '070701'))).toBe('cpio')
    expect(await kindOf(at(257, 'ustar'))).toBe('tar')
    expect(await kindOf(Buffer.from('<!DOCTYPE html>\n<html>\t404\r\n'))).toBe('web page or text')
    expect(await kindOf(noise(5000))).toBe('unknown')
  })

  it('has an answer for any bytes, however few', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 1200 }), async (bytes) => {
        expect(await kindOf(Buffer.from(bytes))).toEqual(expect.any(String))
      }),
      { numRuns: 500 },
    )
  })
})
