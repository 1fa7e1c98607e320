import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ByteDevice, FileDevice, MemoryDevice } from '#src/byte-device.js'
import { encodeBzip2 } from '#src/codec/bzip2/encode.js'
import { type Bzip2Program, findBzip2Programs } from '#src/codec/bzip2/programs.js'
import { MachineError } from '#src/errors.js'
import { BZIP2_PROGRAMS, environmentWith } from '../../support/bzip2.js'
import { childNames } from '../../support/children.js'
import { testContext } from '../../support/context.js'
import { rejectsWithCode } from '../../support/errors.js'
import { withFault } from '../../support/faults.js'
import { noise, prose } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
let files = 0
const newPath = () => join(directory, `file-${files++}.bz2`)
/** More than one read, and more compressed bytes than a pipe holds. */
const IMAGE = Buffer.concat([prose(20_000), Buffer.alloc(1_100_000), noise(90_000)])
const OPERATIONS = ['open', 'read', 'write', 'sync', 'close'] as const

async function programCalled(name: string): Promise<Bzip2Program> {
  const [program] = await findBzip2Programs(testContext({ env: environmentWith(directory, [name]) }))
  if (program === undefined) throw new Error(`${name} is not here`)
  return program
}

/** A program of our own making in place of the compressor. */
async function substitute(script: string): Promise<Bzip2Program> {
  const folder = join(directory, `substitute-${files++}`)
  mkdirSync(folder)
  await writeFile(join(folder, 'bzip2'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const [program] = await findBzip2Programs(testContext({ env: { PATH: folder } }))
  return program!
}

describe.each(BZIP2_PROGRAMS)('encodeBzip2 with %s', (name) => {
  it.each([1, 5, 9])('writes at level %d what bzip2 decodes to the same bytes', async (level) => {
    const target = newPath()
    await encodeBzip2(new MemoryDevice(IMAGE), target, await programCalled(name), level, testContext())
    expect((await readFile(target)).toString('latin1', 0, 4)).toBe(`BZh${level}`)
    expect(execFileSync('bzip2', ['-dc', target], { maxBuffer: 1 << 30 }).equals(IMAGE)).toBe(true)
  })

  it('writes a stream for no bytes', async () => {
    const target = newPath()
    await encodeBzip2(new MemoryDevice(Buffer.alloc(0)), target, await programCalled(name), 9, testContext())
    expect(execFileSync('bzip2', ['-dc', target])).toHaveLength(0)
  })

  it('throws ERR_CANCELLED in the middle, and leaves no child', async () => {
    const abort = new AbortController()
    const context = { ...testContext({ signal: abort.signal }), report: () => abort.abort() }
    await rejectsWithCode(
      encodeBzip2(new MemoryDevice(noise(8 << 20)), newPath(), await programCalled(name), 9, context),
      'ERR_CANCELLED',
    )
    expect(childNames()).toEqual([])
  })

  it('throws ERR_CANCELLED when the run was cancelled before', async () => {
    const context = testContext({ signal: AbortSignal.abort() })
    await rejectsWithCode(
      encodeBzip2(new MemoryDevice(IMAGE), newPath(), await programCalled(name), 9, context),
      'ERR_CANCELLED',
    )
    expect(childNames()).toEqual([])
  })

  it.each([
    ['EIO', 'ERR_IO'],
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EACCES', 'ERR_PERMISSION'],
    ['nothing', 'ERR_IO'],
  ] as const)(
    'says so when the nth operation fails (%s), for every n, and leaves the source as it was',
    async (kind, code) => {
      const program = await programCalled(name)
      const source = newPath()
      await writeFile(source, IMAGE)
      const handle = await open(source, 'r')
      // Each kind of its own: how many writes there are is up to the pipe.
      for (const operation of kind === 'nothing' ? (['read', 'write'] as const) : OPERATIONS) {
        let nth = 1
        for (; ; nth++) {
          const { fired, failure } = await withFault({ kind, nth, operations: [operation] }, () =>
            encodeBzip2(new FileDevice(handle, IMAGE.length, source), newPath(), program, 1, testContext()),
          )
          if (fired === undefined) break
          await rejectsWithCode(Promise.reject(failure), code)
        }
        expect(nth, operation).toBeGreaterThan(1)
      }
      await handle.close()
      expect((await readFile(source)).equals(IMAGE)).toBe(true)
      expect(childNames()).toEqual([])
    },
  )

  it('writes every byte although writes come in halves', async () => {
    const program = await programCalled(name)
    const target = newPath()
    const { fired, failure } = await withFault({ kind: 'short', nth: 2, operations: ['write'] }, () =>
      encodeBzip2(new MemoryDevice(IMAGE), target, program, 9, testContext()),
    )
    expect([fired, failure]).toEqual(['write', undefined])
    expect(execFileSync('bzip2', ['-dc', target], { maxBuffer: 1 << 30 }).equals(IMAGE)).toBe(true)
  })

  it('throws what the device throws', async () => {
    const failure = new MachineError('ERR_IO', 'the device')
    const broken: ByteDevice = {
      size: new MemoryDevice(IMAGE).size,
      read: async (offset, length) => {
        if (offset > 0) throw failure
        return IMAGE.subarray(offset, offset + length)
      },
    }
    await expect(encodeBzip2(broken, newPath(), await programCalled(name), 9, testContext())).rejects.toBe(failure)
    expect(childNames()).toEqual([])
  })
})

describe('encodeBzip2', () => {
  it.each([
    ['fails at once', 'echo "out of luck" >&2; exit 3'],
    ['fails after it has written', 'cat; echo "out of luck" >&2; exit 3'],
    ['closes its input', 'exec <&-; echo "out of luck" >&2; sleep 0.2; exit 1'],
  ])('gives the words of a program that %s', async (_, script) => {
    const program = await substitute(script)
    const error = await rejectsWithCode(
      encodeBzip2(new MemoryDevice(noise(3 << 20)), newPath(), program, 9, testContext()),
      'ERR_CHILD_FAILED',
    )
    expect(error.message).toContain('out of luck')
  })

  it('says which signal ended the program', async () => {
    const program = await substitute('head -c 10 >/dev/null; kill -SEGV $$')
    const error = await rejectsWithCode(
      encodeBzip2(new MemoryDevice(noise(3 << 20)), newPath(), program, 9, testContext()),
      'ERR_CHILD_FAILED',
    )
    expect(error.message).toContain('SIGSEGV')
  })

  it('replaces no file', async () => {
    const path = newPath()
    await writeFile(path, 'precious')
    await rejectsWithCode(
      encodeBzip2(new MemoryDevice(IMAGE), path, await programCalled('bzip2'), 9, testContext()),
      'ERR_IO',
    )
    expect(await readFile(path, 'utf8')).toBe('precious')
  })
})
