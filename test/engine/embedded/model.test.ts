import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withEmbeddedEditor } from '#src/engine/embedded/engine.js'
import type { OemEdit, Owner } from '#src/engine/engine.js'
import { temporaryDirectory } from '../../support/temp.js'
import { contextOf, EDITED_AT, fsck, makeImage, PROFILE_NAMES, PROFILES, volumeOf } from './images.js'

const directory = temporaryDirectory()

interface Made {
  readonly mode: number
  readonly owner: Owner
  readonly content?: Buffer
  readonly target?: string
}

/** What the filesystem should hold: files with content, links with a target, directories without either. */
type Model = Map<string, Made>

const isDirectory = (made: Made | undefined): boolean =>
  made !== undefined && made.content === undefined && made.target === undefined

interface Step {
  readonly what: 'mkdir' | 'write' | 'link' | 'remove'
  /** Picks a directory, or a thing to remove. */
  readonly pick: number
  readonly name: string
  readonly mode: number
  readonly size: number
  readonly fill: number
  readonly target: string
  /** Root where there is none. */
  readonly owner: Owner | undefined
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('mkdir', 'write', 'write', 'write', 'link', 'remove'),
  pick: fc.nat(),
  name: fc.oneof(
    fc.constantFrom('a', 'b', 'c', 'grub.cfg'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isName),
    fc.string({ unit: fc.constantFrom('x', 'y'), minLength: 200, maxLength: 255 }),
  ),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  size: fc.oneof(fc.nat(200), fc.nat(20_000), fc.nat(400_000)),
  fill: fc.integer({ min: 1, max: 255 }),
  // 60 bytes no longer fit the inode.
  target: fc.oneof(
    fc.constantFrom('a', '../lib64/x.so.1', '/nowhere', 't'.repeat(59), 't'.repeat(60), 't'.repeat(900)),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0')),
  ),
  owner: fc.option(fc.record({ uid: fc.nat(0xffff), gid: fc.nat(0xffff) }), { nil: undefined, freq: 3 }),
})

function isName(name: string): boolean {
  return (
    !/[/\0]/.test(name) &&
    name !== '.' &&
    name !== '..' &&
    Buffer.byteLength(name) <= 255 &&
    Buffer.from(name).toString() === name
  )
}

/** Turns a step into an edit that can be done now, and does it to the model. */
function editOf(step: Step, model: Model): OemEdit | undefined {
  const paths = [...model.keys()]
  const directories = ['', ...paths.filter((path) => isDirectory(model.get(path)))]
  if (step.what === 'remove') {
    const path = paths[step.pick % Math.max(1, paths.length)]
    const isFile = path !== undefined && !isDirectory(model.get(path))
    if (path === undefined || (!isFile && paths.some((other) => other.startsWith(`${path}/`)))) return undefined
    model.delete(path)
    return { kind: isFile ? 'remove-file' : 'remove-directory', path }
  }
  const path = `${directories[step.pick % directories.length]}/${step.name}`
  const existing = model.get(path)
  if (path === '/lost+found') return undefined
  const { mode, target } = step
  const owner = step.owner ?? { uid: 0, gid: 0 }
  const more = step.owner === undefined ? {} : { owner }
  if (step.what === 'mkdir') {
    if (existing !== undefined) return undefined
    model.set(path, { mode, owner })
    return { kind: 'make-directory', path, mode, ...more }
  }
  if (step.what === 'link') {
    if (existing !== undefined) return undefined
    model.set(path, { mode: 0o777, owner, target })
    return { kind: 'make-symlink', path, target, ...more }
  }
  if (existing !== undefined && existing.content === undefined) return undefined
  const content = Buffer.from(Uint8Array.from({ length: step.size }, (_, at) => (at + step.fill) % 251))
  model.set(path, { mode, owner, content })
  return { kind: 'write-file', path, mode, content: { kind: 'bytes', bytes: content }, ...more }
}

describe.each(PROFILE_NAMES)('any edits on %s', (profile) => {
  const fresh = makeImage(directory, PROFILES[profile], { sizeMiB: 24 })

  it('give the tree of a model, its content, and a clean filesystem', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 25 }), { minLength: 1, maxLength: 3 }), async (rounds) => {
        const model: Model = new Map()
        const volume = await volumeOf(Buffer.from(fresh))
        await withEmbeddedEditor(volume, contextOf(), async (fs) => {
          for (const steps of rounds) {
            const edits = steps.map((each) => editOf(each, model)).filter((edit) => edit !== undefined)
            await fs.apply(edits, EDITED_AT)
            const listed = (await fs.list()).filter(({ path }) => path !== '/lost+found')
            const expected = [...model].map(([path, { mode, content, owner, target }]) => ({
              path,
              kind: target !== undefined ? 'symlink' : content === undefined ? 'directory' : 'file',
              mode,
              ...owner,
              sizeBytes: content?.length ?? 0,
              ...(target === undefined ? {} : { target }),
            }))
            expect(listed).toEqual(expected.sort((left, right) => (left.path < right.path ? -1 : 1)))
          }
          for (const [path, { content }] of model) {
            if (content !== undefined)
              expect(content.equals((await fs.read(path, 1 << 20)) ?? Buffer.from('none'))).toBe(true)
          }
        })
        expect(fsck(directory, volume.device.bytes)).toBe('')
      }),
      { numRuns: 12 },
    )
  })
})
