import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { probeFilesystem } from '#src/disk/filesystem/probe.js'
import { withEmbeddedEditor } from '#src/engine/embedded/engine.js'
import { OemBakeError } from '#src/errors.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import {
  contextOf,
  debugfsEdit,
  EDITED_AT,
  makeImage,
  mkdir,
  PROFILES,
  type Profile,
  remove,
  volumeOf,
  write,
} from './images.js'

const directory = temporaryDirectory()
const OPERATION_TIMEOUT_MS = 4000

const from = (() => {
  const path = join(directory, 'from')
  mkdirSync(join(path, 'base'), { recursive: true })
  writeFileSync(join(path, 'base/default.ign'), '{}'.repeat(3000))
  writeFileSync(join(path, 'grub.cfg'), 'set oem_id="x"\n')
  return path
})()

/** Deterministic: a failure names its seed and comes back. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0
    return (state >>> 3) % below
  }
}

/** Offsets of blocks that are not all zero: the metadata, and the little data that there is. */
function usedBytes(image: Buffer): number[] {
  const used: number[] = []
  for (let at = 0; at < image.length; at += 1024) {
    if (image.subarray(at, at + 1024).some((byte) => byte !== 0)) used.push(at)
  }
  return used
}

async function everything(bytes: Uint8Array): Promise<unknown> {
  const device = new MemoryDevice(bytes)
  const filesystem = await probeFilesystem(device)
  if (filesystem.kind !== 'ext') return undefined
  return withEmbeddedEditor(
    { device, filesystem },
    contextOf(),
    async (fs) => {
      for (const { kind, path } of await fs.list()) if (kind === 'file') await fs.read(path, 1 << 20)
      await fs.space()
      await fs.apply(
        [mkdir('/new'), write('/new/a', 'a'), write('/grub.cfg', 'other'), remove('/base/default.ign')],
        EDITED_AT,
      )
      return fs.list()
    },
    { operationTimeoutMs: OPERATION_TIMEOUT_MS },
  )
}

describe.each(['era', 'modern', 'ext2, 1 KiB blocks', 'inline_data'] satisfies Profile[])('damaged %s', (profile) => {
  const image = makeImage(directory, PROFILES[profile], { from, sizeMiB: 8 })
  const used = usedBytes(image)

  it('ends in success or in one of our errors, in time, 120 times', { timeout: 600_000 }, async () => {
    const outcomes = new Map<string, number>()
    for (let seed = 1; seed <= 120; seed++) {
      const random = randomOf(seed)
      const bytes = Buffer.from(image)
      for (let flips = 1 + random(12); flips > 0; flips--) {
        // A third of the damage goes into the superblock and the descriptors behind it.
        const block = random(3) === 0 ? 1024 + random(4) * 1024 : (used[random(used.length)] ?? 0)
        const at = block + random(1024)
        bytes[at] = (bytes[at] ?? 0) ^ (random(2) === 0 ? 1 << random(8) : 1 + random(255))
      }
      const started = performance.now()
      const outcome = await everything(bytes).then(
        () => 'success',
        (error: unknown) => {
          expect(error, `seed ${seed}`).toBeInstanceOf(OemBakeError)
          return error instanceof OemBakeError ? error.code : ''
        },
      )
      expect(performance.now() - started, `seed ${seed}`).toBeLessThan(10 * OPERATION_TIMEOUT_MS)
      expect(outcome, `seed ${seed}`).not.toBe('ERR_INTERNAL')
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    // Else the damage would prove nothing.
    expect(outcomes.size).toBeGreaterThan(1)
  })
})

describe('damage', () => {
  const image = makeImage(directory, PROFILES.modern, { from, sizeMiB: 8 })
  const old = makeImage(directory, PROFILES.ext2, { from, sizeMiB: 8 })
  const list = async (bytes: Uint8Array) =>
    withEmbeddedEditor(await volumeOf(bytes), contextOf(), (fs) => fs.list(), { operationTimeoutMs: 5000 })

  it('to the superblock is found by its checksum', async () => {
    const bytes = Buffer.from(image)
    bytes.writeUInt16LE(7, 1024 + 0x36)
    const error = await rejectsWithCode(list(bytes), 'ERR_FILESYSTEM_CORRUPT')
    expect(error.message).toContain('checksum of the superblock')
    expect(error.exitCode).toBe(4)
  })

  it('that makes a directory its own child does not make listing endless', async () => {
    const bytes = debugfsEdit(directory, old, ['ln <2> /base/loop'])
    const error = await rejectsWithCode(list(bytes), 'ERR_FILESYSTEM_CORRUPT')
    expect(error.message).toContain('/base/loop')
  })

  it('that points an entry to an unused inode is named', async () => {
    const bytes = debugfsEdit(directory, old, ['ln <500> /ghost'])
    await rejectsWithCode(list(bytes), 'ERR_FILESYSTEM_CORRUPT')
  })

  it('that points a block beyond the partition is named', async () => {
    const bytes = debugfsEdit(directory, old, ['sif /grub.cfg block[0] 0x7fffff'])
    const volume = await volumeOf(bytes)
    const attempt = withEmbeddedEditor(volume, contextOf(), (fs) => fs.read('/grub.cfg', 100))
    await rejectsWithCode(attempt, 'ERR_FILESYSTEM_CORRUPT')
  })

  it('that fakes free blocks is met by an error, not by silence', async () => {
    const bytes = debugfsEdit(directory, old, ['setb 100 1900'])
    const volume = await volumeOf(bytes)
    const attempt = withEmbeddedEditor(volume, contextOf(), async (fs) => {
      const { freeBytes } = await fs.space()
      await fs.apply([write('/big', Buffer.alloc(freeBytes - 20 * 4096, 1))], EDITED_AT)
    })
    const failure = await attempt.catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OemBakeError)
  })
})
