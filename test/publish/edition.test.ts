/** An image and its side files: named together or not at all, and never beside those of another image. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { publish } from '#src/publish/publish.js'
import { type SideFileKind, sideFilePath } from '#src/publish/side-files.js'
import { rejectsWithCode } from '../support/errors.js'
import { type Operation, withFault } from '../support/faults.js'
import { temporaryDirectory } from '../support/temp.js'

const root = temporaryDirectory()
const NEW: readonly SideFileKind[] = ['sha256', 'manifest', 'digests']
const OLD: readonly SideFileKind[] = ['sha256', 'manifest', 'digests', 'signature', 'signed-digests', 'provenance']
const OUR_MANIFEST = JSON.stringify({ tool: { name: 'oem-bake' }, output: { name: 'image.bin' } })

type Tree = Readonly<Record<string, string>>

/** What has a name, by name; the working directory is not looked into. */
function treeOf(directory: string): Tree {
  const names = readdirSync(directory).filter((name) => name !== '.work')
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'latin1')]))
}

/** An old edition of ours, or nothing; and a new one that is finished. Contents begin with the edition they are of. */
function prepared({ force = false, old = false } = {}) {
  const directory = mkdtempSync(join(root, 'out-'))
  const work = join(directory, '.work')
  mkdirSync(work)
  const path = join(directory, 'image.bin')
  if (old) {
    writeFileSync(path, 'old image')
    for (const kind of OLD) writeFileSync(sideFilePath(kind, path), kind === 'manifest' ? OUR_MANIFEST : `old ${kind}`)
  }
  const image = join(work, 'finished')
  writeFileSync(image, 'new image')
  const sideFiles = NEW.map((kind) => {
    const finished = join(work, `finished-${kind}`)
    writeFileSync(finished, `new ${kind}`)
    return { kind, path: sideFilePath(kind, path), finished }
  })
  const target = { path, directory, force, sideFiles: sideFiles.map(({ kind, path: at }) => ({ kind, path: at })) }
  return { edition: { image, sideFiles }, target, before: treeOf(directory) }
}

const NEW_TREE: Tree = {
  'image.bin': 'new image',
  'image.bin.sha256': 'new sha256',
  'image.bin.manifest.json': 'new manifest',
  'image.bin.DIGESTS': 'new digests',
}

/** No image, or one with nothing beside it that is about another one; a new one that replaced nothing has all. */
function faultOf(tree: Tree, before: Tree): string | undefined {
  const { 'image.bin': image, ...beside } = tree
  if (image === undefined) return undefined
  const ours = Object.values(beside).filter((text) => text.startsWith('new'))
  if (image === 'old image' && ours.length > 0) return `the old image beside ${ours.join(', ')}`
  if (image === 'new image' && ours.length !== Object.keys(beside).length)
    return `the new image beside ${JSON.stringify(beside)}`
  if (image === 'new image' && before['image.bin'] === undefined && ours.length !== NEW.length)
    return 'a new image without all of its side files'
  return ['new image', 'old image'].includes(image) ? undefined : `something else has the name: ${image}`
}

const original = { link: fs.link, rename: fs.rename, unlink: fs.unlink }
afterEach(() => {
  Object.assign(fs, original)
  syncBuiltinESMExports()
})

function replace(functions: Partial<typeof original>): void {
  Object.assign(fs, functions)
  syncBuiltinESMExports()
}

const WAYS = [
  ['where nothing was', { force: false, old: false }],
  ['where nothing was, with force', { force: true, old: false }],
  ['over an old edition', { force: true, old: true }],
] as const

describe('publishing an edition', () => {
  it.each(WAYS)('%s leaves the new one and nothing of an old one', async (_, way) => {
    const { edition, target } = prepared(way)
    const { removed } = await publish(edition, target)
    expect(treeOf(target.directory)).toEqual(NEW_TREE)
    const gone = way.old ? ['.DIGESTS.asc', '.provenance.json', '.sig'].map((end) => `${target.path}${end}`) : []
    expect([...removed].sort()).toEqual(gone)
  })

  it.each(WAYS)('%s leaves no lie, wherever it is killed', async (_, way) => {
    const { edition, target, before } = prepared(way)
    const seen: Tree[] = []
    const watching =
      <Arguments extends unknown[]>(step: (...args: Arguments) => Promise<void>) =>
      async (...args: Arguments) => {
        seen.push(treeOf(target.directory))
        await step(...args)
        seen.push(treeOf(target.directory))
      }
    replace({
      link: watching(original.link),
      rename: watching(original.rename),
      unlink: watching(original.unlink),
    })
    await publish(edition, target)
    expect(seen.length).toBeGreaterThan(10)
    expect(seen.flatMap((tree) => faultOf(tree, before) ?? [])).toEqual([])
  })

  it.each(WAYS)('%s takes everything back when one step fails', async (_, way) => {
    const operations: readonly Operation[] = ['link', 'rename', 'open', 'sync']
    for (const kind of ['EIO', 'ENOSPC', 'EACCES'] as const) {
      for (let nth = 1; ; nth++) {
        const { edition, target, before } = prepared(way)
        const { fired, failure } = await withFault({ kind, nth, operations }, () => publish(edition, target))
        if (fired === undefined) {
          expect(nth).toBeGreaterThan(5)
          break
        }
        // Opening a directory that may not be read is done without.
        if (kind === 'EACCES' && fired === 'open' && failure === undefined) continue
        expect(failure, `${kind} ${fired} ${nth}`).toBeInstanceOf(Error)
        expect(treeOf(target.directory), `${kind} ${fired} ${nth}`).toEqual(before)
      }
    }
  })

  it.each(NEW.map((_, index) => index))('leaves a file alone that took the name of side file %d', async (index) => {
    const { edition, target } = prepared()
    const taken = edition.sideFiles[index]?.path ?? ''
    writeFileSync(taken, 'precious')
    await rejectsWithCode(publish(edition, target), 'ERR_OUTPUT_EXISTS')
    expect(readdirSync(target.directory).filter((name) => name !== '.work')).toHaveLength(1)
    expect(readFileSync(taken, 'latin1')).toBe('precious')
  })

  it('takes its side files back when the name of the image was taken meanwhile', async () => {
    const { edition, target } = prepared()
    writeFileSync(target.path, 'precious')
    await rejectsWithCode(publish(edition, target), 'ERR_OUTPUT_EXISTS')
    expect(treeOf(target.directory)).toEqual({ 'image.bin': 'precious' })
  })

  it('without hard links replaces an old edition, and never leaves its side files beside what replaced it', async () => {
    const noLinks = async () => {
      throw Object.assign(new Error('EPERM: no hard links here'), { code: 'EPERM' })
    }
    for (let nth = 1; ; nth++) {
      const { edition, target, before } = prepared({ force: true, old: true })
      replace({ link: noLinks })
      const { fired } = await withFault({ kind: 'EIO', nth, operations: ['rename', 'open', 'sync'] }, () =>
        publish(edition, target),
      )
      const tree = treeOf(target.directory)
      if (fired === undefined) {
        expect(tree).toEqual(NEW_TREE)
        break
      }
      expect(faultOf(tree, before), `${fired} ${nth}`).toBeUndefined()
      expect(tree['image.bin']).toBeDefined()
    }
  })

  it('refuses with force, too, where a signature appeared meanwhile that is not ours', async () => {
    const { edition, target } = prepared({ force: true })
    writeFileSync(`${target.path}.sig`, 'a vendor')
    await rejectsWithCode(publish(edition, target), 'ERR_OUTPUT_SIGNED')
    expect(treeOf(target.directory)).toEqual({ 'image.bin.sig': 'a vendor' })
  })
})
