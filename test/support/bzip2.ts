/**
 * bzip2 files for tests: made by the real programs, or laid out bit by bit; and a plain reference for the scanner.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { MagicHit } from '#src/codec/bzip2/scan.js'
import { bitsOf } from './bits.js'

export const BZIP2_PROGRAMS = ['lbzip2', 'pbzip2', 'bzip2'] as const
export type Bzip2ProgramName = (typeof BZIP2_PROGRAMS)[number]

export const BLOCK_MAGIC = 0x314159265359n
export const END_OF_STREAM_MAGIC = 0x177245385090n

/** What a real program makes of some bytes. */
export function compress(bytes: Buffer, level = 9, program: Bzip2ProgramName = 'bzip2'): Buffer {
  return execFileSync(program, ['-zc', `-${level}`], { input: bytes, maxBuffer: 1 << 30 })
}

/** An environment whose PATH holds these programs and no others. */
export function environmentWith(directory: string, programs: readonly string[]): { readonly PATH: string } {
  const path = join(directory, `path-${programs.join('-') || 'empty'}`)
  mkdirSync(path, { recursive: true })
  for (const program of programs) {
    const real = execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).trim()
    try {
      symlinkSync(real, join(path, program))
    } catch {
      // Made by an earlier call.
    }
  }
  return { PATH: path }
}

/** Every magic that is followed by 32 bits, found the plain way: in a text of ones and zeros. */
export function referenceHits(bytes: Uint8Array): MagicHit[] {
  const bits = bitsOf(bytes)
  const hits: MagicHit[] = []
  for (const [kind, magic] of [
    ['block', BLOCK_MAGIC],
    ['end-of-stream', END_OF_STREAM_MAGIC],
  ] as const) {
    const pattern = magic.toString(2).padStart(48, '0')
    for (let at = bits.indexOf(pattern); at !== -1; at = bits.indexOf(pattern, at + 1)) {
      const crc = bits.slice(at + 48, at + 80)
      if (crc.length === 32) hits.push({ kind, bitOffset: at, crc: Number.parseInt(crc, 2) })
    }
  }
  return hits.sort((a, b) => a.bitOffset - b.bitOffset)
}
