/**
 * What verifying costs: `oem-bake verify` of a 400 MB file with a signature, against Node's own SHA-512 over it.
 *
 *     npm run bench -- verify [--rounds 5]
 *
 * Whole processes on both sides, the fastest of several rounds each, one after the other in turn; beside it the same without
 * what a process costs to start. Exit code 1 when the ratio is above the target. Takes about half a minute.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { verify } from '../dist/index.js'
import { Gpg } from '../test/support/gpg.js'
import { describeMachine } from './machine.js'
import { cleanUp } from './measure.js'
import { ROOT, WORK } from './paths.js'

const FILE_BYTES = 400_000_000
const PIECE_BYTES = 1 << 20
/** Of issue 5: 1.3 times the time of SHA-512. */
const TARGET = 1.3

const HASH_PROGRAM = `
import { createHash } from 'node:crypto'
import { openSync, readSync } from 'node:fs'
const hash = createHash('sha512'), buffer = Buffer.allocUnsafeSlow(${PIECE_BYTES}), fd = openSync(process.argv[1], 'r')
for (let count; (count = readSync(fd, buffer)) > 0; ) hash.update(buffer.subarray(0, count))
console.log(hash.digest('hex'))
`

/** Bytes that no disk and no filesystem can make smaller. */
function writeNoise(path: string): void {
  const buffer = Buffer.alloc(PIECE_BYTES)
  const fd = openSync(path, 'w')
  for (let at = 0; at < FILE_BYTES; at += buffer.length)
    writeSync(fd, randomFillSync(buffer), 0, Math.min(buffer.length, FILE_BYTES - at))
  closeSync(fd)
}

async function secondsOf(work: () => unknown): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

function node(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
}

function hashHere(path: string): void {
  const hash = createHash('sha512')
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  const fd = openSync(path, 'r')
  for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) hash.update(buffer.subarray(0, count))
  closeSync(fd)
  hash.digest()
}

export async function benchVerify(rounds: number): Promise<boolean> {
  cleanUp()
  mkdirSync(WORK, { recursive: true })
  const file = join(WORK, 'image.bin')
  const keys = join(WORK, 'key.asc')
  using gpg = new Gpg()
  const key = gpg.newKey('Bench <bench@example.com>', 'rsa4096', 'sign', '2020-01-01')
  gpg.export(keys, [key])
  writeNoise(file)
  execFileSync('sync')
  gpg.run(['--digest-algo', 'SHA512', '--local-user', key, '--output', `${file}.sig`, '--detach-sign', file])
  const subjects = {
    'node, SHA-512': () => node('--input-type=module', '--eval', HASH_PROGRAM, file),
    'oem-bake verify': () => node(join(ROOT, 'dist', 'oem-bake.js'), 'verify', file, '--key', keys, '--quiet'),
    'SHA-512 within a process': () => hashHere(file),
    'verify() within a process': () => verify({ image: file, keys: [keys] }),
  }
  const best = new Map<string, number>()
  for (let round = 0; round <= rounds; round++)
    for (const [name, run] of Object.entries(subjects)) {
      const seconds = await secondsOf(run)
      // The first round fills the page cache.
      if (round > 0) best.set(name, Math.min(seconds, best.get(name) ?? Number.POSITIVE_INFINITY))
    }
  cleanUp()
  const of = (name: keyof typeof subjects): number => best.get(name) ?? Number.NaN
  const ratio = of('oem-bake verify') / of('node, SHA-512')
  const within = of('verify() within a process') / of('SHA-512 within a process')
  for (const [name, seconds] of best) console.log(`${name.padEnd(28)} ${seconds.toFixed(3)} s`)
  console.log(
    `verify a signed file of 400 MB: ${ratio.toFixed(2)} × Node's own SHA-512 (target ${TARGET}), ${within.toFixed(2)} × within a process`,
  )
  console.log(`${describeMachine()}`)
  return ratio <= TARGET
}
