/** Bytes that look random and are the same in every run. */
import { createCipheriv, createHash } from 'node:crypto'

/** Incompressible bytes: a key stream. */
export function noise(length: number, seed: string | number = 1): Buffer {
  const key = createHash('md5').update(String(seed)).digest()
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** Bytes that compress well but not into runs: words of a small vocabulary. */
export function prose(length: number, seed: string | number = 1): Buffer {
  const words = ['sector ', 'block ', 'stream ', 'magic ', 'footer ', 'selector ', 'origPtr ', 'level\n']
  const choices = noise(Math.ceil(length / 5), seed)
  let text = ''
  for (const choice of choices) {
    if (text.length >= length) break
    text += words[choice % words.length]
  }
  return Buffer.from(text.slice(0, length), 'latin1')
}

/** The same pieces of a buffer that any reader might hand out, in order. */
export function piecesAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
}
