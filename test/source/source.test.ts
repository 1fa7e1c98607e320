import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, utimesSync } from 'node:fs'
import fs, { appendFile, chmod, link, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prove } from '#src/prove/prove.js'
import { assertOriginalApart } from '#src/source/original-apart.js'
import { openImage } from '#src/source/source.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { withFault } from '../support/faults.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
let files = 0
async function imageFile(content: Buffer = noise(10_000)): Promise<string> {
  const path = join(directory, `image-${files++}.bin`)
  await writeFile(path, content)
  return path
}

describe('openImage', () => {
  it('reads the file, and leaves it as it was', async () => {
    const path = await imageFile()
    const before = await stat(path)
    {
      await using image = await openImage(path)
      expect(image).toMatchObject({ stage: 'opened', path, name: path.split('/').at(-1) })
      expect((await image.device.read(0, image.device.size)).equals(noise(10_000))).toBe(true)
      await image.assertUnchanged()
    }
    const { mtimeMs, ctimeMs, size } = await stat(path)
    expect([mtimeMs, ctimeMs, size]).toEqual([before.mtimeMs, before.ctimeMs, before.size])
  })

  it('opens a file that nobody may write', async () => {
    const path = await imageFile()
    chmodSync(path, 0o444)
    await using image = await openImage(path)
    await expect(image.device.write(0, Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_IO' })
    expect((await readFile(path)).equals(noise(10_000))).toBe(true)
  })

  it('opens through a symbolic link', async () => {
    const path = join(directory, 'link')
    await symlink(await imageFile(), path)
    await using image = await openImage(path)
    expect(image.device.size).toBe(10_000)
  })

  it('tells where an image was named that is not there', async () => {
    const path = await imageFile()
    const absent = join(directory, 'absent')
    const attempts = [
      openImage(absent),
      prove({ original: path, baked: absent }, testContext()),
      assertOriginalApart(path, absent),
    ]
    const hints = await Promise.all(
      attempts.map(async (attempt) => (await rejectsWithCode(attempt, 'ERR_NOT_FOUND')).hint),
    )
    expect(hints).toEqual([
      'check the path; the image is the first argument',
      'check the path; the baked image is the second argument',
      'check the path; --original names the image as it was before',
    ])
  })

  it('refuses what is no file with bytes in it, and says what it is', async () => {
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    mkdirSync(join(directory, 'folder'))
    await rejectsWithCode(openImage(join(directory, 'nothing')), 'ERR_NOT_FOUND')
    await rejectsWithCode(openImage(join(directory, 'folder')), 'ERR_NOT_A_REGULAR_FILE')
    await rejectsWithCode(openImage(pipe), 'ERR_NOT_A_REGULAR_FILE')
    await rejectsWithCode(openImage('/dev/null'), 'ERR_NOT_A_REGULAR_FILE')
    await rejectsWithCode(openImage(await imageFile(Buffer.alloc(0))), 'ERR_IMAGE_EMPTY')
  })

  it('keeps reading the file that it opened when another takes its name, and notices that', async () => {
    const path = await imageFile()
    await using image = await openImage(path)
    await rename(await imageFile(Buffer.alloc(10_000)), path)
    expect((await image.device.read(0, 10_000)).equals(noise(10_000))).toBe(true)
    await rejectsWithCode(image.assertUnchanged(), 'ERR_SOURCE_CHANGED')
  })

  it.each<[string, (path: string) => Promise<void>]>([
    ['written to', (path) => writeFile(path, Buffer.alloc(10_000))],
    ['appended to', (path) => appendFile(path, 'x')],
    ['cut', (path) => writeFile(path, 'short')],
  ])('notices that the file was %s', async (_, change) => {
    const path = await imageFile()
    utimesSync(path, 1000, 1000)
    await using image = await openImage(path)
    await change(path)
    await rejectsWithCode(image.assertUnchanged(), 'ERR_SOURCE_CHANGED')
  })

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['a chmod', (path) => chmod(path, 0o600)],
    ['a new hard link', (path) => link(path, `${path}.hard`)],
    ['a new name', (path) => rename(path, `${path}.renamed`)],
    ['its removal', (path) => rm(path)],
  ])('does not mind %s, which changes no byte', async (_, change) => {
    const path = await imageFile()
    await using image = await openImage(path)
    await change(path)
    await image.assertUnchanged()
  })

  it('knows the file by its other names, and no other file', async () => {
    const path = await imageFile()
    await link(path, `${path}.hard`)
    await symlink(path, `${path}.soft`)
    await using image = await openImage(path)
    expect(await image.isSameFile(`${path}.hard`)).toBe(true)
    expect(await image.isSameFile(`${path}.soft`)).toBe(true)
    expect(await image.isSameFile(await imageFile())).toBe(false)
    expect(await image.isSameFile(join(directory, 'nothing'))).toBe(false)
    const loop = join(directory, 'loop')
    await symlink(loop, loop)
    for (const nobody of [loop, join(path, 'below-a-file'), join(directory, 'n'.repeat(300))])
      expect(await image.isSameFile(nobody), nobody).toBe(false)
  })

  it('does not take a path that can not be looked at for that of another file', async () => {
    await using image = await openImage(await imageFile())
    const { stat: original } = fs
    fs.stat = (async () => {
      throw Object.assign(new Error('EIO: injected'), { code: 'EIO' })
    }) as typeof fs.stat
    syncBuiltinESMExports()
    try {
      await rejectsWithCode(image.isSameFile(image.path), 'ERR_IO')
      await rejectsWithCode(image.assertUnchanged(), 'ERR_IO')
    } finally {
      fs.stat = original
      syncBuiltinESMExports()
    }
  })

  it.each([
    ['EIO', 'ERR_IO'],
    ['EACCES', 'ERR_PERMISSION'],
  ] as const)('says so when the nth operation fails with %s, for every n', async (kind, code) => {
    const path = await imageFile()
    let nth = 1
    for (; ; nth++) {
      const { fired, failure } = await withFault({ kind, nth, operations: ['open', 'stat'] }, async () => {
        await using image = await openImage(path)
        await image.assertUnchanged()
      })
      if (fired === undefined) break
      await rejectsWithCode(Promise.reject(failure), code)
    }
    expect(nth).toBe(4)
  })
})
