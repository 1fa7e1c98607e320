import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQcow2Header, QCOW2_HEADER_BYTES } from '#src/disk/qcow2/header.js'
import { OemBakeError } from '#src/errors.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
let images = 0

/** The header of an image made by qemu-img. */
function made(options: readonly string[] = [], after: readonly (readonly string[])[] = []): Buffer {
  const path = join(directory, `image-${images++}.qcow2`)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...options, path, '8M'])
  for (const words of after)
    execFileSync(
      'qemu-img',
      words.map((word) => (word === 'FILE' ? path : word)),
    )
  return readFileSync(path).subarray(0, QCOW2_HEADER_BYTES)
}

const base = join(directory, 'base.qcow2')
execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', base, '8M'])

describe('parseQcow2Header', () => {
  it.each<[string, number, readonly string[]]>([
    ['version 2', 2, ['-o', 'compat=0.10']],
    ['version 3', 3, ['-o', 'compat=1.1']],
    ['lazy refcounts', 3, ['-o', 'lazy_refcounts=on']],
    ['zstd clusters', 3, ['-o', 'compression_type=zstd']],
    ['extended L2 entries', 3, ['-o', 'extended_l2=on,cluster_size=128k']],
    ['1-bit refcounts', 3, ['-o', 'refcount_bits=1']],
    ['preallocated metadata', 3, ['-o', 'preallocation=metadata']],
  ])('accepts %s', (_, version, options) => {
    expect(parseQcow2Header(made(options))).toMatchObject({ version, virtualBytes: 8 << 20 })
  })

  it.each([512, 65_536, 2 << 20])('reads clusters of %i bytes', (clusterBytes) => {
    expect(parseQcow2Header(made(['-o', `cluster_size=${clusterBytes}`]))).toMatchObject({ clusterBytes })
  })

  it.each<[string, Buffer]>([
    ['a backing file', made(['-b', base, '-F', 'qcow2'])],
    // Not LUKS: qemu-img times the machine for its keys, and fails now and then on one that is busy.
    ['AES encryption', made(['--object', 'secret,id=s,data=x', '-o', 'encrypt.format=aes,encrypt.key-secret=s'])],
    ['a snapshot', made([], [['snapshot', '-c', 'first', 'FILE']])],
    ['an external data file', made(['-o', `data_file=${join(directory, 'data.raw')}`])],
    ['a raw external data file', made(['-o', `data_file=${join(directory, 'data2.raw')},data_file_raw=on`])],
  ])('refuses %s, which qemu-img makes, with ERR_QCOW2_UNSUPPORTED', async (_, header) => {
    const error = await rejectsWithCode(() => parseQcow2Header(header), 'ERR_QCOW2_UNSUPPORTED')
    expect(error.hint).toContain('qemu-img')
  })

  /** A sound header with one field changed. */
  const changed = (change: (header: Buffer) => void): Buffer => {
    const header = Buffer.from(made())
    change(header)
    return header
  }

  it.each<[string, string, Buffer]>([
    ['version 1', 'ERR_QCOW2_UNSUPPORTED', changed((header) => void header.writeUInt32BE(1, 4))],
    ['version 4', 'ERR_QCOW2_UNSUPPORTED', changed((header) => void header.writeUInt32BE(4, 4))],
    [
      'an incompatible feature that nobody knows',
      'ERR_QCOW2_UNSUPPORTED',
      changed((header) => void header.writeBigUInt64BE(1n << 40n, 72)),
    ],
    ['LUKS encryption', 'ERR_QCOW2_UNSUPPORTED', changed((header) => void header.writeUInt32BE(2, 32))],
    [
      'a backing file at 2^63',
      'ERR_QCOW2_UNSUPPORTED',
      changed((header) => void header.writeBigUInt64BE(1n << 63n, 8)),
    ],
    ['the mark of corruption', 'ERR_QCOW2_INVALID', changed((header) => void header.writeBigUInt64BE(2n, 72))],
    ['clusters of 256 bytes', 'ERR_QCOW2_INVALID', changed((header) => void header.writeUInt32BE(8, 20))],
    ['clusters of 4 MiB', 'ERR_QCOW2_INVALID', changed((header) => void header.writeUInt32BE(22, 20))],
    [
      'clusters of 2^4294967295 bytes',
      'ERR_QCOW2_INVALID',
      changed((header) => void header.writeUInt32BE(0xffffffff, 20)),
    ],
    ['no virtual bytes', 'ERR_QCOW2_INVALID', changed((header) => void header.writeBigUInt64BE(0n, 24))],
    ['half a sector', 'ERR_QCOW2_INVALID', changed((header) => void header.writeBigUInt64BE(1000n, 24))],
    ['2^63 virtual bytes', 'ERR_QCOW2_INVALID', changed((header) => void header.writeBigUInt64BE(1n << 63n, 24))],
    ['71 bytes', 'ERR_QCOW2_INVALID', made(['-o', 'compat=0.10']).subarray(0, 71)],
    ['103 bytes of version 3', 'ERR_QCOW2_INVALID', made().subarray(0, 103)],
    ['4 bytes', 'ERR_QCOW2_INVALID', made().subarray(0, 4)],
  ])('refuses %s with %s', async (_, code, header) => {
    await rejectsWithCode(() => parseQcow2Header(header), code)
  })

  it('never throws anything but an error of ours, whatever the header says', () => {
    const sound = [made(), made(['-o', 'compat=0.10'])]
    fc.assert(
      fc.property(
        fc.constantFrom(...sound),
        fc.array(fc.tuple(fc.nat(QCOW2_HEADER_BYTES - 1), fc.uint8Array({ minLength: 1, maxLength: 8 })), {
          maxLength: 4,
        }),
        fc.nat(QCOW2_HEADER_BYTES),
        (header, mutations, length) => {
          const mutated = Buffer.from(header)
          for (const [place, bytes] of mutations) mutated.set(bytes.subarray(0, mutated.length - place), place)
          try {
            const { virtualBytes, clusterBytes } = parseQcow2Header(mutated.subarray(0, length))
            expect(virtualBytes % 512).toBe(0)
            expect(clusterBytes).toBeGreaterThanOrEqual(512)
          } catch (error) {
            if (!(error instanceof OemBakeError) || error.code === 'ERR_INTERNAL') throw error
          }
        },
      ),
      { numRuns: 5000 },
    )
  })
})
