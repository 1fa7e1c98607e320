/** The library, by the name that users import: the same verbs, with progress as events and an AbortSignal. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as library from 'oem-bake'
import { describe, expect, it } from 'vitest'
import { childNames } from '../support/children.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'
import { oemBakeJson, sha256 } from './outside.js'

const directory = temporaryDirectory()

describe("import 'oem-bake'", () => {
  it('exports the verbs and the error class, and nothing by accident', () => {
    expect(Object.keys(library).sort()).toEqual([
      'OemBakeError',
      'bake',
      'bakeBatch',
      'bakeEditions',
      'explain',
      'fetch',
      'inspect',
      'keys',
      'plan',
      'planOfUnbake',
      'prove',
      'templates',
      'unbake',
      'verify',
    ])
  })

  it('inspects and plans as the command line does', async () => {
    const image = await fixtureImage('cl-rackspace')
    const inspected = await library.inspect({ image })
    expect(inspected.oem).toMatchObject({ oemId: 'rackspace', vendorSet: 'rackspace' })
    expect(JSON.parse(JSON.stringify(inspected))).toEqual(await oemBakeJson(['inspect', image]))
    const planned = await library.plan({ image, template: 'ec2' })
    const said = await oemBakeJson<{ plan: { changes: unknown } }>(['plan', image, '--template', 'ec2'])
    expect(JSON.parse(JSON.stringify(planned.plan.changes))).toEqual(said.plan.changes)
  })

  it('bakes, and tells phases, counters and warnings as they happen', async () => {
    const image = await fixtureImage('cl-openstack')
    const events: library.ProgressEvent[] = []
    const output = join(directory, 'library.img.bz2')
    const report = await library.bake(
      { image, template: 'rackspace', output, engine: 'embedded', sourceDateEpoch: 1_500_000_000 },
      { onProgress: (event) => events.push(event) },
    )
    expect(report.output.sha256).toBe(sha256(output))
    expect(new Set(events.map((event) => event.kind))).toEqual(new Set(['phase', 'progress', 'warning', 'note']))
    expect(events.at(-1)).toEqual({ kind: 'phase', phase: 'publish' })
  })

  it.each(['decode', 'read-oem', 'edit', 'encode', 'check', 'publish'] as const)(
    'stops when the signal fires at the beginning of %s, and leaves no file and no child',
    async (phase) => {
      const abort = new AbortController()
      const place = join(directory, phase)
      const image = await fixtureImage('cl-openstack')
      const { mkdir } = await import('node:fs/promises')
      await mkdir(place)
      const baking = library.bake(
        { image, template: 'rackspace', output: join(place, 'out'), engine: 'embedded' },
        {
          signal: abort.signal,
          onProgress: (event) => {
            if (event.kind === 'phase' && event.phase === phase) abort.abort()
          },
        },
      )
      // The file is checked and about to get its name when `publish` begins: too late to be stopped, as documented.
      if (phase === 'publish') await expect(baking).resolves.toMatchObject({ output: { path: join(place, 'out') } })
      else {
        await expect(baking).rejects.toMatchObject({ code: 'ERR_CANCELLED', exitCode: 130 })
        expect(readdirSync(place)).toEqual([])
      }
      expect(childNames()).not.toContain('lbzip2')
    },
  )

  it('rejects with an OemBakeError that has a code and a hint', async () => {
    const failure = await library.inspect({ image: join(directory, 'absent.img') }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(library.OemBakeError)
    expect(failure).toMatchObject({ code: 'ERR_NOT_FOUND', hint: expect.any(String) })
  })

  it('takes its environment from `env`, not from the process', async () => {
    const image = await fixtureImage('cl-openstack')
    await expect(
      library.bake(
        { image, template: 'rackspace', output: join(directory, 'env'), recompress: { level: undefined } },
        { env: { PATH: '' } },
      ),
    ).rejects.toMatchObject({ code: 'ERR_COMPRESSOR_MISSING' })
  })
})
