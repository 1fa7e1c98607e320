import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import fs, { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { publish as publishEdition } from '#src/publish/publish.js'
import type { Target } from '#src/publish/target.js'
import { rejectsWithCode } from '../support/errors.js'
import { type Fault, type Operation, withFault } from '../support/faults.js'
import { temporaryDirectory } from '../support/temp.js'

const root = temporaryDirectory()

/** A directory with a finished file in a working directory of its own. */
async function prepared(force = false) {
  const directory = mkdtempSync(join(root, 'out-'))
  mkdirSync(join(directory, '.work'))
  const finished = join(directory, '.work', 'finished')
  await writeFile(finished, 'the image')
  return { finished, target: { path: join(directory, 'image.bin'), directory, force, sideFiles: [] } }
}

const publish = (image: string, target: Target) => publishEdition({ image, sideFiles: [] }, target)

const contentOf = (path: string) => readFile(path, 'utf8').catch(() => undefined)

const original = { link: fs.link, open: fs.open, rename: fs.rename }
afterEach(() => {
  Object.assign(fs, original)
  syncBuiltinESMExports()
})

/** Replaces functions of node:fs/promises until the test ends. */
function replace(functions: Partial<typeof original>): void {
  Object.assign(fs, functions)
  syncBuiltinESMExports()
}

const noLinks = (code: string) => async () => {
  throw Object.assign(new Error(`${code}: no hard links here`), { code })
}

describe('publish', () => {
  it.each([false, true])('gives the finished file its name and leaves no other (force: %s)', async (force) => {
    const { finished, target } = await prepared(force)
    const { ino } = await stat(finished)
    await publish(finished, target)
    expect(await contentOf(target.path)).toBe('the image')
    expect(await stat(target.path)).toMatchObject({ ino, nlink: 1 })
    expect(readdirSync(join(target.directory, '.work'))).toEqual([])
    expect(readdirSync(target.directory)).toEqual(['.work', 'image.bin'])
  })

  it('replaces an existing file only with force', async () => {
    const refused = await prepared(false)
    await writeFile(refused.target.path, 'precious')
    await rejectsWithCode(publish(refused.finished, refused.target), 'ERR_OUTPUT_EXISTS')
    expect(await contentOf(refused.target.path)).toBe('precious')
    const forced = await prepared(true)
    await writeFile(forced.target.path, 'old')
    await publish(forced.finished, forced.target)
    expect(await contentOf(forced.target.path)).toBe('the image')
  })

  it('does not write through a symbolic link that has the name, with force or without', async () => {
    for (const force of [false, true]) {
      const { finished, target } = await prepared(force)
      const precious = join(target.directory, 'precious')
      await writeFile(precious, 'precious')
      await symlink(precious, target.path)
      if (force) await publish(finished, target)
      else await rejectsWithCode(publish(finished, target), 'ERR_OUTPUT_EXISTS')
      expect(await contentOf(precious)).toBe('precious')
    }
  })

  it('lets one of two bakes win that publish at the same time, and tells the other', async () => {
    const { finished, target } = await prepared()
    const second = join(target.directory, '.work', 'second')
    await writeFile(second, 'the other image')
    const outcomes = await Promise.allSettled([publish(finished, target), publish(second, target)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const winner = outcomes[0]!.status === 'fulfilled' ? 'the image' : 'the other image'
    expect(await contentOf(target.path)).toBe(winner)
  })

  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])('publishes where link(2) says %s', async (code) => {
    const { finished, target } = await prepared()
    replace({ link: noLinks(code) })
    await publish(finished, target)
    expect(await contentOf(target.path)).toBe('the image')
    expect(readdirSync(join(target.directory, '.work'))).toEqual([])
  })

  it('without hard links, too, leaves a file alone that took the name in between', async () => {
    const { finished, target } = await prepared()
    replace({
      link: async () => {
        await writeFile(target.path, 'precious')
        throw Object.assign(new Error('EPERM'), { code: 'EPERM' })
      },
    })
    await rejectsWithCode(publish(finished, target), 'ERR_OUTPUT_EXISTS')
    expect(await contentOf(target.path)).toBe('precious')
  })

  it('with hard links, leaves a file alone that takes the name just before', async () => {
    const { finished, target } = await prepared()
    replace({
      link: async (from, to) => {
        await writeFile(to, 'precious')
        await original.link(from, to)
      },
    })
    await rejectsWithCode(publish(finished, target), 'ERR_OUTPUT_EXISTS')
    expect(await contentOf(target.path)).toBe('precious')
  })

  it('says ERR_NOT_FOUND when the directory is gone', async () => {
    const { finished } = await prepared()
    const directory = join(root, 'nowhere')
    await rejectsWithCode(
      publish(finished, { path: join(directory, 'x'), directory, force: false, sideFiles: [] }),
      'ERR_NOT_FOUND',
    )
  })

  it.each(['EINVAL', 'ENOTSUP', 'EACCES', 'EPERM'])(
    'does not fail when the directory can not be synced for lack of support or of the right to read it (%s)',
    async (code) => {
      const { finished, target } = await prepared()
      const refuse = noLinks(code)
      replace({
        open: (async (path: string, ...rest: [string]) => {
          if (path !== target.directory) return original.open(path, ...rest)
          if (code === 'EACCES' || code === 'EPERM') return refuse()
          return Object.assign(await original.open(path, ...rest), { sync: refuse })
        }) as typeof fs.open,
      })
      await publish(finished, target)
      expect(await contentOf(target.path)).toBe('the image')
    },
  )
})

describe('failing file operations', () => {
  const OPERATIONS: readonly Operation[] = ['link', 'rename', 'unlink', 'open', 'sync', 'close']
  const CODES = { EIO: 'ERR_IO', ENOSPC: 'ERR_NO_SPACE', EACCES: 'ERR_PERMISSION' } as const

  /** Fails each operation in turn until there is none left; with each, the whole output is there, or none. */
  async function failEach(
    kind: keyof typeof CODES,
    force: boolean,
    before: string | undefined,
  ): Promise<Set<Operation>> {
    const seen = new Set<Operation>()
    for (let nth = 1; ; nth++) {
      const { finished, target } = await prepared(force)
      if (before !== undefined) await writeFile(target.path, before)
      const fault: Fault = { kind, nth, operations: OPERATIONS }
      const { fired, failure } = await withFault(fault, () => publish(finished, target))
      if (fired === undefined) return seen
      seen.add(fired)
      const content = await contentOf(target.path)
      if (failure === undefined) {
        expect(content, fired).toBe('the image')
        continue
      }
      await rejectsWithCode(Promise.reject(failure), CODES[kind])
      expect(content, fired).toBe(before)
    }
  }

  it.each(['EIO', 'ENOSPC', 'EACCES'] as const)('leave no output and no half one (%s)', async (kind) => {
    expect(await failEach(kind, false, undefined)).toEqual(new Set(['link', 'unlink', 'open', 'sync', 'close']))
  })

  it.each(['EIO', 'ENOSPC', 'EACCES'] as const)('leave no output where there are no hard links (%s)', async (kind) => {
    replace({ link: noLinks('ENOSYS') })
    expect(await failEach(kind, false, undefined)).toEqual(new Set(['link', 'open', 'rename', 'sync', 'close']))
  })

  it.each(['EIO', 'ENOSPC', 'EACCES'] as const)(
    'leave the old output or the whole new one with force (%s)',
    async (kind) => {
      expect(await failEach(kind, true, 'the old image')).toEqual(new Set(['link', 'rename', 'open', 'sync', 'close']))
    },
  )
})
