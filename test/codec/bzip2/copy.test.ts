import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startCopy } from '#src/codec/bzip2/copy.js'
import { rejectsWithCode } from '../../support/errors.js'
import { withFault } from '../../support/faults.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'
import { openPathsIn } from '../../support/threads.js'

const directory = temporaryDirectory()
const BYTES = noise(3_000_000)
let files = 0

async function withSource<T>(
  run: (
    source: { readonly handle: Awaited<ReturnType<typeof open>>; readonly path: string },
    target: string,
  ) => Promise<T>,
) {
  const path = join(directory, `source-${files++}`)
  writeFileSync(path, BYTES)
  await using handle = await open(path, 'r')
  return await run({ handle, path }, `${path}.copy`)
}

describe('startCopy', () => {
  it('copies every byte, with the permissions of a new file and not those of the input', () =>
    withSource(async (source, target) => {
      chmodSync(source.path, 0o444)
      const copy = await startCopy(source, target)
      await copy.done
      expect(readFileSync(target).equals(BYTES)).toBe(true)
      expect(statSync(target).mode & 0o777).toBe(0o666 & ~process.umask())
      await copy.synced
      await copy.handle.write(Buffer.from('x'), 0, 1, 0)
      await copy.end()
      expect(openPathsIn(target)).toEqual([])
    }))

  it('copies the file that is open, whatever its name means by now', () =>
    withSource(async (source, target) => {
      renameSync(source.path, `${source.path}.away`)
      writeFileSync(source.path, 'another file')
      const copy = await startCopy(source, target)
      await copy.done
      expect(readFileSync(target).equals(BYTES)).toBe(true)
      await copy.end()
    }))

  it('replaces no file', () =>
    withSource(async (source, target) => {
      writeFileSync(target, 'precious')
      await rejectsWithCode(startCopy(source, target), 'ERR_IO')
      expect(readFileSync(target, 'utf8')).toBe('precious')
    }))

  it('says so when there is no room, or no directory', async () => {
    await withSource(async (source) => {
      await rejectsWithCode(startCopy(source, join(directory, 'nowhere', 'copy')), 'ERR_NOT_FOUND')
    })
  })

  it('waits with its end for what is under way', () =>
    withSource(async (source, target) => {
      const copy = await startCopy(source, target)
      await copy.end()
      expect(readFileSync(target).equals(BYTES)).toBe(true)
      expect(openPathsIn(target)).toEqual([])
    }))

  it('leaves no file open when the nth operation fails, for every n', async () => {
    for (let nth = 1; ; nth++) {
      const { fired, failure } = await withSource((source, target) =>
        withFault({ kind: 'EIO', nth, operations: ['open', 'stat', 'statfs'] }, async () => {
          const copy = await startCopy(source, target)
          await copy.done.finally(() => copy.end())
        }),
      )
      expect(openPathsIn(directory)).toEqual([])
      if (fired === undefined) break
      await rejectsWithCode(Promise.reject(failure), 'ERR_IO')
    }
  })
})
