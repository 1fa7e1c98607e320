/**
 * Two editions published under one name at once, in any order that chance finds: each call of the filesystem waits until it
 * is drawn. Seeded. Without turns it finds an old image beside new side files within three orders.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setImmediate as settle } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { publish } from '#src/publish/publish.js'
import { type SideFileKind, sideFilePath } from '#src/publish/side-files.js'
import { memoryDirectory } from '../support/memory.js'
import { noise } from '../support/random.js'

const root = memoryDirectory()
const ORDERS = 25
const KINDS: readonly SideFileKind[] = ['sha256', 'manifest', 'digests']
const NAMES = ['link', 'lstat', 'open', 'rename', 'stat', 'unlink'] as const

type Call = (...args: readonly unknown[]) => Promise<unknown>
const functions = fs as unknown as Record<(typeof NAMES)[number], Call>
const original = Object.fromEntries(NAMES.map((name) => [name, functions[name]]))
afterEach(() => {
  Object.assign(functions, original)
  syncBuiltinESMExports()
})

/** Runs all of it at once, one drawn call of the filesystem after the other. */
async function inDrawnOrder<T>(seed: string, works: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
  const waiting: (() => Promise<void>)[] = []
  for (const name of NAMES) {
    const call = original[name]!
    functions[name] = (...args) =>
      new Promise((resolve, reject) => {
        waiting.push(() => call(...args).then(resolve, reject))
      })
  }
  syncBuiltinESMExports()
  let over = false
  const results = Promise.allSettled(works.map((work) => work())).finally(() => {
    over = true
  })
  const draws = noise(4096, seed)
  for (let draw = 0; !over; ) {
    await settle()
    const [next] = waiting.splice(draws[draw % draws.length]! % Math.max(1, waiting.length), 1)
    if (next === undefined) continue
    draw++
    await next()
  }
  return results
}

/** What a file's content says it is of. */
const editionOf = (text: string): string => text.split(' ')[0] ?? ''
const contentOf = (edition: string, kind: string): string =>
  kind === 'manifest'
    ? `${edition} ${JSON.stringify({ tool: { name: 'oem-bake' }, output: { name: 'image.bin' } })}`
    : `${edition} ${kind}`

function lay(directory: string, edition: string) {
  const work = join(directory, `.work-${edition}`)
  mkdirSync(work)
  const image = join(work, 'finished')
  writeFileSync(image, contentOf(edition, 'image'))
  const sideFiles = KINDS.map((kind) => {
    const finished = join(work, `finished-${kind}`)
    writeFileSync(finished, contentOf(edition, kind))
    return { kind, path: sideFilePath(kind, join(directory, 'image.bin')), finished }
  })
  return { image, sideFiles }
}

describe.each([
  ['nothing there, neither with --force', { old: false, force: [false, false] }],
  ['nothing there, one with --force', { old: false, force: [true, false] }],
  ['nothing there, both with --force', { old: false, force: [true, true] }],
  ['an older edition there, both with --force', { old: true, force: [true, true] }],
] as const)('two editions published at once: %s', (_, { force, old }) => {
  it('end with one image, and nothing beside it that is about another one', async () => {
    const outcomes = new Set<string>()
    for (let order = 0; order < ORDERS; order++) {
      const directory = mkdtempSync(join(root, 'out-'))
      const path = join(directory, 'image.bin')
      if (old) {
        writeFileSync(path, contentOf('old', 'image'))
        for (const kind of ['sha256', 'manifest'] as const)
          writeFileSync(sideFilePath(kind, path), contentOf('old', kind))
      }
      const editions = ['a', 'b'].map((name) => lay(directory, name))
      const results = await inDrawnOrder(
        `${old} ${force} ${order}`,
        editions.map((edition, index) => () => {
          const target = { path, directory, force: force[index] ?? false, sideFiles: edition.sideFiles }
          return publish(edition, target)
        }),
      )
      const there = readdirSync(directory).filter((name) => !name.startsWith('.work-'))
      const found = there.map((name) => `${name} of ${editionOf(readFileSync(join(directory, name), 'utf8'))}`)
      const winners = ['a', 'b'].filter((__, index) => results[index]?.status === 'fulfilled')
      const image =
        found
          .find((name) => name.startsWith('image.bin of'))
          ?.split(' ')
          .at(-1) ?? 'none'
      outcomes.add(`${image}, told ${winners}`)
      const told = `order ${order}: ${found}; succeeded: ${winners}`
      expect(
        found.filter((name) => !name.endsWith(` of ${image}`)),
        told,
      ).toEqual([])
      // Who is told that all went well finds it so, unless the other one came later and was told the same.
      if (winners.length > 0) expect(winners, told).toContain(image)
      if (winners.includes(image)) expect(found.length, told).toBe(1 + KINDS.length)
      rmSync(directory, { recursive: true })
    }
    // Either may be the first, and with --force the last.
    if (force[0] === force[1]) expect(outcomes.size).toBeGreaterThan(1)
  })
})
