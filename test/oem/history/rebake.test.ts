/**
 * Bakes of what is baked already, on trees in memory: on every vendor's partition, for random pairs of requests, a bake
 * leaves what it would have left as the first one, and unbake leaves what was there before.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { OemBakeError } from '#src/errors.js'
import { type OemContent, resolveContent } from '#src/oem/content.js'
import type { OriginalOem } from '#src/oem/history/before.js'
import { HISTORY_PATH } from '#src/oem/history/history.js'
import { type Plan, planBake } from '#src/oem/plan/plan.js'
import { planUnbake } from '#src/oem/plan/plan-unbake.js'
import { type ImageRelease, parseReleaseArgument } from '#src/oem/release/release.js'
import type { ContentRequest, ExistingFiles } from '#src/request.js'
import { carriedOut, type ModelTree, originalOf, stateOf } from '../../support/model-tree.js'
import { directory as dir, file, symlink, treeOf, vendorNodes } from '../../support/model-tree-vendors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { templateCases } from '../../support/template-trees.js'
import { VENDOR_EDITIONS } from '../../support/vendor-editions.js'

const directory = temporaryDirectory()
const FLAG_FILE = join(directory, 'motd')
const OTHER_FILE = join(directory, 'other')
mkdirSync(directory, { recursive: true })
writeFileSync(FLAG_FILE, 'Welcome\n')
writeFileSync(OTHER_FILE, 'x'.repeat(70_000))

/** Beside a vendor's files: what oem-bake itself never makes. */
const MORE = {
  '/lib64': dir(0o700),
  '/lib64/libx.so': symlink('libx.so.1'),
  '/lib64/libx.so.1': file('library', 0o755, { uid: 500, gid: 501 }),
  '/share/empty': dir(0o2775),
  '/share/here': symlink('/usr/share/oem', { uid: 7, gid: 0 }),
  '/bin/mine': file('#!/bin/sh\n', 0o700),
}

type Outcome = { readonly tree: ModelTree; readonly plan: Plan } | { readonly refused: string }

function outcome(tree: ModelTree, plan: () => Plan): Outcome {
  try {
    const planned = plan()
    return { tree: carriedOut(tree, planned.edits), plan: planned }
  } catch (error) {
    if (error instanceof OemBakeError) return { refused: error.code }
    throw error
  }
}

function bake(tree: ModelTree, content: OemContent, release: ImageRelease, original?: OriginalOem): Outcome {
  return outcome(tree, () => planBake(content, stateOf(tree), release, original))
}

function treeAfter(result: Outcome): ModelTree {
  if ('refused' in result) throw new Error(`refused: ${result.refused}`)
  return result.tree
}

/** For people: what differs is read, not counted. */
function shown(tree: ModelTree): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...tree].map(([path, node]) => {
      const what = node.kind === 'file' ? node.bytes.toString() : node.kind === 'symlink' ? node.target : ''
      return [path, [node.kind, node.mode.toString(8), `${node.uid}:${node.gid}`, ...what.split('\n')]]
    }),
  )
}

const resolve = (request: ContentRequest): Promise<OemContent> => resolveContent(request, {})

/** Requests that a run picks from: every template that comes with oem-bake, alone and with more. */
const contents: OemContent[] = []
beforeAll(async () => {
  const templates = [...new Set((await templateCases()).map(({ template }) => template))]
  const policies: readonly ExistingFiles[] = ['auto', 'merge', 'replace']
  const extras: readonly ContentRequest[] = [
    {},
    {},
    { files: [{ source: FLAG_FILE, destination: '/share/motd' }] },
    { files: [{ source: OTHER_FILE, destination: '/base/README', mode: 0o600 }] },
    { remove: ['/base', '/lib64'], files: [{ source: FLAG_FILE, destination: '/lib64/inside/motd' }] },
    { oemId: 'openstack', oemIdUnchecked: true },
  ]
  let turn = 0
  for (const template of templates) {
    for (const existing of policies) {
      for (const extra of [extras[turn++ % extras.length] ?? {}, {}]) {
        contents.push(await resolve({ ...extra, template, existing, ignore: [] }))
      }
    }
  }
})

const aContent = fc.nat().map((pick) => contents[pick % contents.length]!)
const anOriginal = fc
  .record({ edition: fc.constantFrom(...VENDOR_EDITIONS), more: fc.boolean() })
  .map(({ edition, more }) => ({
    release: parseReleaseArgument(edition.release),
    title: `${edition.vendor} of ${edition.release}`,
    tree: treeOf({ ...vendorNodes(edition.tree), ...(more ? MORE : {}) }),
  }))

const OPTIONS = { numRuns: 150, seed: 20_261_125 }

describe('on any vendor edition, a bake of any template', () => {
  it('a second time changes nothing, without the original image', () => {
    let done = 0
    fc.assert(
      fc.property(anOriginal, aContent, ({ tree, release, title }, content) => {
        const once = bake(tree, content, release)
        if ('refused' in once) return
        const again = bake(once.tree, content, release)
        if ('refused' in again) throw new Error(`${title}, ${content.edition}: refused: ${again.refused}`)
        expect(again.plan.edits, `${title}, ${content.edition}`).toEqual([])
        done++
      }),
      OPTIONS,
    )
    expect(done).toBeGreaterThan(50)
  })

  it('leaves with the original image what it would have left as the first bake', () => {
    let done = 0
    fc.assert(
      fc.property(anOriginal, aContent, aContent, ({ tree, release, title }, before, content) => {
        const baked = bake(tree, before, release)
        if ('refused' in baked) return
        const alone = bake(tree, content, release)
        const after = bake(baked.tree, content, release, originalOf(tree))
        const what = `${title}, ${before.edition} then ${content.edition}`
        // Files of nobody known stop a first bake, and no bake that finds them gone.
        if ('refused' in alone) {
          if (alone.refused !== 'ERR_OEM_UNKNOWN_FILES') expect(after, what).toEqual(alone)
        } else expect(shown(treeAfter(after)), what).toEqual(shown(alone.tree))
        done++
      }),
      OPTIONS,
    )
    expect(done).toBeGreaterThan(50)
  })

  it('leaves without the original image what the first bake would have left, but for what it says is gone', () => {
    let gone = 0
    fc.assert(
      fc.property(anOriginal, aContent, aContent, ({ tree, release, title }, before, content) => {
        const baked = bake(tree, before, release)
        const alone = bake(tree, content, release)
        if ('refused' in baked || 'refused' in alone) return
        const after = bake(baked.tree, content, release)
        const what = `${title}, ${before.edition} then ${content.edition}`
        const found = 'refused' in after ? [] : after.plan.findings.filter(({ rule }) => rule === 'original-files-gone')
        if (found.length > 0) gone++
        // A grub.cfg that is made from the vendor's is made from nothing without it.
        else if (content.files.some(({ path }) => path === '/grub.cfg'))
          expect(shown(treeAfter(after)), what).toEqual(shown(alone.tree))
      }),
      OPTIONS,
    )
    expect(gone).toBeGreaterThan(0)
  })

  it('and then unbake leaves the original tree, after one bake as after two', () => {
    let done = 0
    fc.assert(
      fc.property(anOriginal, aContent, aContent, ({ tree, release, title }, first, second) => {
        const once = bake(tree, first, release)
        if ('refused' in once) return
        const twice = bake(once.tree, second, release)
        for (const baked of 'refused' in twice ? [once] : [once, twice]) {
          if (!baked.tree.has(HISTORY_PATH)) {
            expect(baked.tree, title).toEqual(tree)
            continue
          }
          const back = outcome(baked.tree, () =>
            planUnbake(stateOf(baked.tree), release, changedFiles(baked.tree, tree), 'auto'),
          )
          expect(shown(treeAfter(back)), `${title}, ${first.edition} and ${second.edition}`).toEqual(shown(tree))
          done++
        }
      }),
      OPTIONS,
    )
    expect(done).toBeGreaterThan(50)
  })
})

/** The original with the content of those files that are not on the partition as they were: what is read of an image. */
function changedFiles(now: ModelTree, original: ModelTree): OriginalOem {
  const { entries, files } = originalOf(original)
  const differing = [...files].filter(([path, { sha256 }]) => stateOf(now).digests?.get(path) !== sha256)
  return { entries, files: new Map(differing) }
}

const CL = parseReleaseArgument('container-linux:2512.3.0')
const OPENSTACK = treeOf({
  '/base/README': file('read me'),
  '/base/default.ign': file('{"ignition":{"version":"2.1.0"}}'),
  '/grub.cfg': file('set oem_id="openstack"\nset linux_append="keep"\n'),
  '/oem-release': file('ID=openstack\nVERSION_ID=1\nNAME="OpenStack"\n'),
})
const EMPTY = treeOf({})

/** The tree after some bakes, one on the other. */
async function baked(tree: ModelTree, ...requests: readonly ContentRequest[]): Promise<ModelTree> {
  let after = tree
  for (const request of requests) after = treeAfter(bake(after, await resolve(request), CL))
  return after
}

async function planned(tree: ModelTree, request: ContentRequest, original?: ModelTree): Promise<Plan> {
  return planBake(await resolve(request), stateOf(tree), CL, original === undefined ? undefined : originalOf(original))
}

async function refusal(tree: ModelTree, request: ContentRequest): Promise<string> {
  const result = bake(tree, await resolve(request), CL)
  return 'refused' in result ? result.refused : 'not refused'
}

const written = (tree: ModelTree): readonly string[] =>
  JSON.parse((tree.get(HISTORY_PATH) as { bytes: Buffer }).bytes.toString()).written.map(
    ({ path }: { path: string }) => path,
  )
const rules = (plan: Plan): readonly string[] => plan.findings.map(({ rule }) => rule)
const text = (tree: ModelTree, path: string): string | undefined => {
  const node = tree.get(path)
  return node?.kind === 'file' ? node.bytes.toString() : undefined
}
const withFile = (tree: ModelTree, path: string, content: string): ModelTree =>
  new Map([...tree, [path, file(content)]])
const motd = { files: [{ source: FLAG_FILE, destination: '/share/motd' }] }

describe('a bake without a template', () => {
  it('adds to what is there, and the history has both', async () => {
    const tree = await baked(EMPTY, { template: 'rackspace' }, motd)
    expect(text(tree, '/share/motd')).toBe('Welcome\n')
    expect(tree.has('/cloud-config.yml')).toBe(true)
    expect(written(tree)).toContain('/share/motd')
    expect(written(tree)).toContain('/cloud-config.yml')
    expect((await planned(tree, motd)).edits).toEqual([])
  })

  it('is taken back with the rest by the next template', async () => {
    expect(shown(await baked(EMPTY, { template: 'rackspace' }, motd, { template: 'ec2' }))).toEqual(
      shown(await baked(EMPTY, { template: 'ec2' })),
    )
  })

  it('with --existing replace takes away what earlier bakes wrote', async () => {
    const tree = await baked(EMPTY, { template: 'rackspace' }, { ...motd, existing: 'replace' })
    expect([...tree.keys()]).toEqual([HISTORY_PATH, '/lost+found', '/share', '/share/motd'])
  })

  it('with --existing refuse is refused where an earlier bake left something else, and may be done twice', async () => {
    const request = { ...motd, existing: 'refuse' } as const
    expect(await refusal(await baked(EMPTY, { template: 'rackspace' }), request)).toBe('ERR_OEM_UNKNOWN_FILES')
    const tree = await baked(EMPTY, request)
    expect((await planned(tree, request)).edits).toEqual([])
  })

  it('that changes nothing leaves no history', async () => {
    expect(await baked(OPENSTACK, { oemId: 'openstack' })).toEqual(OPENSTACK)
  })
})

describe('what a vendor had before', () => {
  it('is no reason to refuse what would have been refused as the first bake, once it is gone', async () => {
    const tree = treeOf({ '/mine': file('mine') })
    expect(await refusal(tree, { template: 'ec2' })).toBe('ERR_OEM_UNKNOWN_FILES')
    const replaced = await baked(tree, { template: 'rackspace', existing: 'replace' })
    const after = await baked(replaced, { template: 'ec2' })
    expect(after.has('/mine')).toBe(false)
    expect(shown(treeAfter(outcome(after, () => planUnbake(stateOf(after), CL, originalOf(tree), 'auto'))))).toEqual(
      shown(tree),
    )
  })

  it('is told to be gone where another policy would have left it, and comes back with --original', async () => {
    const tree = await baked(OPENSTACK, { template: 'rackspace' })
    const request = { template: 'ec2', existing: 'merge' } as const
    const without = await planned(tree, request)
    expect(without.findings.find(({ rule }) => rule === 'original-files-gone')?.message).toContain('/base/README')
    const withOriginal = await planned(tree, request, OPENSTACK)
    expect(rules(withOriginal)).not.toContain('original-files-gone')
    expect(withOriginal.changes.find(({ path }) => path === '/base/README')).toMatchObject({
      action: 'add',
      origin: 'the original image',
    })
  })

  it('can still be brought back after a bake that had to do without it', async () => {
    const request = { template: 'ec2', existing: 'merge' } as const
    const tree = await baked(OPENSTACK, { template: 'rackspace' }, request)
    expect(tree.has('/base/README')).toBe(false)
    const mended = carriedOut(tree, (await planned(tree, request, OPENSTACK)).edits)
    expect(shown(mended)).toEqual(shown(await baked(OPENSTACK, request)))
  })

  it('keeps its settings in a grub.cfg that only gets another id, also the second time and with another id', async () => {
    const tree = await baked(OPENSTACK, { template: 'niftycloud', oemId: 'ec2' })
    expect((await planned(tree, { template: 'niftycloud', oemId: 'ec2' })).edits).toEqual([])
  })
})

describe('a file that somebody changed since a bake wrote it', () => {
  it.each([
    ['its content', (tree: ModelTree) => withFile(tree, '/grub.cfg', 'set oem_id="rackspace"\nset x=1\n')],
    [
      'its mode',
      (tree: ModelTree) => new Map([...tree, ['/grub.cfg', { ...tree.get('/grub.cfg')!, mode: 0o600 }]]) as ModelTree,
    ],
    ['what it is', (tree: ModelTree) => new Map([...tree, ['/grub.cfg', symlink('/etc/grub.cfg')]]) as ModelTree],
  ])('in %s is not taken away or written over unless somebody says so', async (_, change) => {
    const tree = change(await baked(EMPTY, { template: 'rackspace' }))
    for (const template of ['rackspace', 'ec2']) expect(await refusal(tree, { template })).toBe('ERR_OEM_EDITED_FILES')
  })

  it('in the way that the bake would change it is as it is to be', async () => {
    const tree = await baked(EMPTY, { template: 'rackspace' })
    const ec2 = await baked(EMPTY, { template: 'ec2' })
    const edited = withFile(tree, '/grub.cfg', text(ec2, '/grub.cfg')!)
    expect(await baked(edited, { template: 'ec2' })).toEqual(ec2)
  })

  it('stays with --existing merge where it is not written, and is lost with a warning where it is', async () => {
    const tree = withFile(await baked(EMPTY, { template: 'rackspace' }), '/cloud-config.yml', '#cloud-config\n')
    const kept = await planned(tree, { template: 'ec2', existing: 'merge' })
    expect(kept.changes.find(({ path }) => path === '/cloud-config.yml')?.action).toBe('keep')
    const lost = await planned(tree, { template: 'rackspace', existing: 'merge' })
    expect(rules(lost)).toContain('own-file-edited')
    expect(carriedOut(tree, lost.edits)).toEqual(await baked(EMPTY, { template: 'rackspace' }))
  })

  it('goes with --existing replace', async () => {
    const tree = withFile(await baked(EMPTY, { template: 'rackspace' }), '/cloud-config.yml', '#cloud-config\n')
    expect(shown(await baked(tree, { template: 'ec2', existing: 'replace' }))).toEqual(
      shown(await baked(EMPTY, { template: 'ec2', existing: 'replace' })),
    )
  })

  it('is left alone by a bake without a template that does not write it', async () => {
    const tree = withFile(await baked(EMPTY, { template: 'rackspace' }), '/cloud-config.yml', '#cloud-config\n')
    const after = await baked(tree, motd)
    expect(text(after, '/cloud-config.yml')).toBe('#cloud-config\n')
    // It is still known to be ours, and changed.
    expect(await refusal(after, { template: 'ec2' })).toBe('ERR_OEM_EDITED_FILES')
  })

  it('and taken away is written again', async () => {
    const tree = new Map(await baked(EMPTY, { template: 'rackspace' }))
    tree.delete('/cloud-config.yml')
    expect(shown(await baked(tree, { template: 'rackspace' }))).toEqual(
      shown(await baked(EMPTY, { template: 'rackspace' })),
    )
  })

  it('is no question of ours where it was never ours', async () => {
    const tree = withFile(await baked(EMPTY, { template: 'rackspace' }), '/mine', 'mine')
    expect(await refusal(tree, { template: 'ec2' })).toBe('ERR_OEM_UNKNOWN_FILES')
    expect(text(await baked(tree, { template: 'ec2', existing: 'merge' }), '/mine')).toBe('mine')
  })
})

describe('unbake', () => {
  const back = (tree: ModelTree, original: ModelTree, policy: ExistingFiles): Outcome =>
    outcome(tree, () => planUnbake(stateOf(tree), CL, changedFiles(tree, original), policy))

  it.each([
    ['adds', (tree: ModelTree) => withFile(tree, '/mine', 'mine')],
    ['changes of ours', (tree: ModelTree) => withFile(tree, '/grub.cfg', 'set x=1\n')],
    ["changes of the vendor's", (tree: ModelTree) => withFile(tree, '/kept', 'KEPT')],
    ['takes away', (tree: ModelTree) => new Map([...tree].filter(([path]) => path !== '/kept')) as ModelTree],
    ['makes a directory of', (tree: ModelTree) => new Map([...tree, ['/new', dir()]]) as ModelTree],
  ])('refuses what somebody %s since; merge leaves it, replace makes it as it was', async (_, change) => {
    const original = new Map([...OPENSTACK, ['/kept', file('kept')]]) as ModelTree
    const tree = change(await baked(original, { template: 'rackspace', existing: 'merge' }))
    expect(back(tree, original, 'auto')).toEqual({ refused: 'ERR_OEM_EDITED_FILES' })
    const sorted = (each: ModelTree): ModelTree => new Map([...each].sort(([left], [right]) => (left < right ? -1 : 1)))
    expect(treeAfter(back(tree, original, 'replace'))).toEqual(sorted(original))
    const merged = treeAfter(back(tree, original, 'merge'))
    for (const path of ['/mine', '/grub.cfg', '/kept', '/new']) {
      const ours = path === '/grub.cfg' && text(tree, path) !== 'set x=1\n'
      expect(merged.get(path), path).toEqual(ours ? original.get(path) : tree.get(path))
    }
    expect(merged.has(HISTORY_PATH)).toBe(false)
  })

  it('of what nobody baked is refused, as of a history that is damaged or newer', () => {
    expect(back(OPENSTACK, OPENSTACK, 'auto')).toEqual({ refused: 'ERR_NOT_BAKED' })
    expect(back(withFile(OPENSTACK, HISTORY_PATH, '{}'), OPENSTACK, 'auto')).toEqual({ refused: 'ERR_NOT_BAKED' })
    const newer = withFile(OPENSTACK, HISTORY_PATH, '{"oemBakeHistory":2}')
    expect(back(newer, OPENSTACK, 'auto')).toEqual({ refused: 'ERR_HISTORY_NEWER' })
  })
})

describe('a history that is none', () => {
  it.each([
    ['is damaged', withFile(EMPTY, HISTORY_PATH, '{"oemBakeHistory":1}')],
    ["is somebody else's", withFile(EMPTY, HISTORY_PATH, 'hello')],
  ])('because it %s is a warning, and replaced', async (_, tree) => {
    expect(rules(await planned(tree, { template: 'rackspace' }))).toContain('history-damaged')
    expect(shown(await baked(tree, { template: 'rackspace' }))).toEqual(
      shown(await baked(EMPTY, { template: 'rackspace' })),
    )
  })

  it('because a directory, with something in it, has its name, goes as a whole', async () => {
    const tree = new Map([...EMPTY, [HISTORY_PATH, dir()], [`${HISTORY_PATH}/x`, file('x')]]) as ModelTree
    const state = { ...stateOf(tree), history: { kind: 'damaged', reason: 'it is no regular file' } } as const
    const plan = planBake(await resolve({ template: 'rackspace' }), state, CL)
    expect(carriedOut(tree, plan.edits)).toEqual(await baked(EMPTY, { template: 'rackspace' }))
  })

  it('because a newer oem-bake wrote it refuses the bake', async () => {
    expect(await refusal(withFile(EMPTY, HISTORY_PATH, '{"oemBakeHistory":2}'), { template: 'ec2' })).toBe(
      'ERR_HISTORY_NEWER',
    )
  })

  it('can not be placed or removed by a request', async () => {
    for (const request of [
      { files: [{ source: FLAG_FILE, destination: HISTORY_PATH }] },
      { remove: [HISTORY_PATH], oemId: 'ec2' },
    ]) {
      await expect(resolve(request)).rejects.toMatchObject({ code: 'ERR_OEM_PATH_INVALID' })
    }
  })
})

it('says nothing of variables, paths of this machine, or time in the history', async () => {
  const tree = await baked(EMPTY, { template: 'vmware', ...motd })
  const found = text(tree, HISTORY_PATH) ?? ''
  expect(found).not.toContain(directory)
  expect(found).not.toMatch(/\b20\d\d-\d\d/)
})
