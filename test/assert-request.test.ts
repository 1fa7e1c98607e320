/** What plain JavaScript may ask the library for, and the compiler would not let pass. */
import * as library from 'oem-bake'
import { describe, expect, it } from 'vitest'

type Verb = (request: never) => Promise<unknown>
const image = '/nowhere/image.bin'
const pair = { original: '/nowhere/a', baked: '/nowhere/b' }
const VERBS: readonly (readonly [string, Verb, object])[] = [
  ['bake', library.bake, { image, template: 'ec2' }],
  ['bakeEditions', library.bakeEditions, { image, templates: ['ec2'] }],
  ['plan', library.plan, { image, template: 'ec2' }],
  ['explain', library.explain, { image }],
  ['inspect', library.inspect, { image }],
  ['unbake', library.unbake, { image, original: pair.original }],
  ['prove', library.prove, pair],
  ['verify', library.verify, { image }],
]
const ask = (verb: Verb, request: object): Promise<unknown> => verb(request as never)

describe.each(VERBS)('%s', (_, verb, request) => {
  it('gets as far as the image when every field is known', async () => {
    await expect(ask(verb, request)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  it('refuses a field that nobody knows, and names the nearest', async () => {
    await expect(ask(verb, { ...request, verfy: 'require' })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      hint: 'did you mean verify?',
    })
    await expect(ask(verb, { ...request, colour: 'red' })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('colour'),
    })
  })

  it('refuses a request without its images, or none at all', async () => {
    for (const broken of [{ ...request, image: undefined, original: '' }, {}, undefined])
      await expect(ask(verb, broken as object)).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })
})

describe('a bake', () => {
  it('of nothing is refused, as on the command line', async () => {
    for (const verb of [library.bake, library.plan])
      await expect(ask(verb, { image, existing: 'merge' })).rejects.toMatchObject({
        code: 'ERR_USAGE',
        message: expect.stringContaining('nothing was asked for'),
      })
  })

  it('of several editions is of one at least, and none has an output of its own', async () => {
    for (const templates of [undefined, [], 'ec2'])
      await expect(ask(library.bakeEditions, { image, templates })).rejects.toMatchObject({ code: 'ERR_USAGE' })
    await expect(ask(library.bakeEditions, { image, templates: 'all', output: 'x' })).rejects.toMatchObject({
      code: 'ERR_USAGE',
    })
  })

  it('among jobs is looked at before any of them begins', async () => {
    const jobs = [
      { name: 'one', request: { image, template: 'ec2' } },
      { name: 'two', request: { image, template: 'ec2', outputs: 'x' } },
    ]
    await expect(ask(library.bakeBatch, { jobs })).rejects.toMatchObject({ hint: 'did you mean output?' })
  })
})
