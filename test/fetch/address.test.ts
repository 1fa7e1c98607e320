/** URLs with more in them than a server and a path: what is asked for, who is told the secrets, and that nobody else is. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OemBakeError } from '#src/errors.js'
import { type FetchReport, fetchImage } from '#src/fetch/fetch.js'
import { testContext } from '../support/context.js'
import { type Behaviour, ReleaseServer } from '../support/release-server.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const IMAGE = '/files/image.bin'
const bytes = randomBytes(10_000)
const sha512 = createHash('sha512').update(bytes).digest('hex')
/** As the URL has them; the password is `pass:%word`. */
const USER = 'us%40er:pass%3A%25word'
const AUTHORIZATION = `Basic ${Buffer.from('us@er:pass:%word').toString('base64')}`
const SECRET = /us(?:%40|@)er|pass|token|hidden/

interface Asked {
  readonly url: string
  readonly authorization: string | undefined
}

/** A server that has the image, and remembers what it was asked and by whom. */
async function serverWith(behave: Behaviour = () => false): Promise<ReleaseServer & { readonly asked: Asked[] }> {
  const server = Object.assign(await ReleaseServer.start(), { asked: [] as Asked[] })
  server.files.set(IMAGE, { bytes })
  server.files.set(`${IMAGE}.DIGESTS`, { bytes: Buffer.from(`# SHA512 HASH\n${sha512}  image.bin\n`) })
  server.behave = (path, request, response) => {
    const { authorization } = request.headers
    server.asked.push({ url: request.url ?? '', authorization })
    return behave(path, request, response)
  }
  return server
}

const newPlace = (): string => mkdtempSync(join(directory, 'to-'))

function fetch(source: string, to = newPlace(), retries = 0): Promise<FetchReport> {
  const retry = { retries, delayMs: 1 }
  return fetchImage({ source, directory: to, retry }, testContext({ env: { XDG_CACHE_HOME: join(to, 'cache') } }))
}

const failure = (source: string, to?: string): Promise<unknown> =>
  fetch(source, to).then(
    () => undefined,
    (error: unknown) => error,
  )

const withUser = (server: ReleaseServer): string => server.origin.replace('//', `//${USER}@`)

it('the query goes with every file, and a side file differs from the image in the path', async () => {
  await using server = await serverWith((_path, request, response) => {
    if (request.url?.endsWith('?token=x')) return false
    response.writeHead(403).end()
    return true
  })
  const report = await fetch(`${server.origin}${IMAGE}?token=x#top`)
  expect(report.verification.status).toBe('digest')
  const files = ['image.bin', 'image.bin.sig', 'image.bin.DIGESTS', 'image.bin.DIGESTS.asc', 'image.bin.DIGESTS.sig']
  expect(new Set(server.asked.map(({ url }) => url))).toEqual(
    new Set([...files, 'version.txt'].map((name) => `/files/${name}?token=x`)),
  )
})

it('user name and password are sent with every request to the server of the URL, and to no other', async () => {
  await using elsewhere = await serverWith()
  await using server = await serverWith((path, _request, response) => {
    if (path !== IMAGE && path !== '/moved') return false
    response.writeHead(302, { location: path === IMAGE ? '/moved' : `${elsewhere.origin}${IMAGE}` }).end()
    return true
  })
  await fetch(`${withUser(server)}${IMAGE}`)
  expect(server.asked.map(({ url }) => url)).toContain('/moved')
  expect(new Set(server.asked.map(({ authorization }) => authorization))).toEqual(new Set([AUTHORIZATION]))
  expect(elsewhere.asked).toEqual([{ url: IMAGE, authorization: undefined }])
})

describe('no user name, password or query is told', () => {
  const answer =
    (status: number, location?: string): Behaviour =>
    (path, _request, response) => {
      if (path !== IMAGE) return false
      response.writeHead(status, location === undefined ? {} : { location }).end()
      return true
    }
  const cases: Readonly<Record<string, readonly [string, Behaviour]>> = {
    'of a file that is not there': ['ERR_NOT_PUBLISHED', answer(404)],
    'of one that is refused': ['ERR_NETWORK', answer(403)],
    'of a server that is always busy': ['ERR_NETWORK', answer(500)],
    'when it leads round and round': ['ERR_NETWORK', answer(302, `${IMAGE}?token=hidden`)],
    'of where it leads': [
      'ERR_NETWORK',
      (path, request, response) => {
        if (path === IMAGE)
          response.writeHead(302, { location: `http://us%40er:hidden@${request.headers.host}/b?token=hidden` }).end()
        if (path === '/b') response.writeHead(403).end()
        return path === IMAGE || path === '/b'
      },
    ],
    'of a side file that is too large': [
      'ERR_NETWORK',
      (path, _request, response) => {
        if (path !== `${IMAGE}.sig`) return false
        response.end(Buffer.alloc(1 << 20))
        return true
      },
    ],
  }
  for (const [title, [code, behave]] of Object.entries(cases)) {
    it(title, async () => {
      await using server = await serverWith(behave)
      const error = await failure(`${withUser(server)}${IMAGE}?token=x`)
      if (!(error instanceof OemBakeError)) throw error
      expect(error.code).toBe(code)
      expect(error.message).toContain(`${server.origin}${IMAGE}`)
      const { details, hint, message } = error
      expect(JSON.stringify({ details, hint, message })).not.toMatch(SECRET)
    })
  }

  it.each([
    ['of no URL', `https://${USER}@host:99999/image.bin?token=x`],
    ['of a URL of another kind', `ftp://${USER}@host/image.bin?token=x`],
    ['of a URL of a directory', `https://${USER}@host/?token=x`],
  ])('%s', async (_title, source) => {
    const error = await failure(source)
    expect(error).toMatchObject({ code: 'ERR_USAGE', message: expect.stringContaining('//host') })
    expect(String(error)).not.toMatch(SECRET)
  })

  it('in a report, nor in what lies on the disk after a run that gave up or that went well', async () => {
    let cut = true
    await using server = await serverWith((path, _request, response) => {
      if (path !== IMAGE || !cut) return false
      response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' })
      response.write(bytes.subarray(0, 1000), () => response.socket?.end())
      return true
    })
    const to = newPlace()
    const source = `${withUser(server)}${IMAGE}?token=`
    expect(await failure(`${source}first`, to)).toMatchObject({ code: 'ERR_NETWORK' })
    expect(textsBelow(to).some((text) => text.includes(server.origin))).toBe(true)
    expect(textsBelow(to).join('\n')).not.toMatch(SECRET)

    // Another token, the same file.
    cut = false
    const report = await fetch(`${source}second`, to)
    expect(server.requests).toContain(`${IMAGE} bytes=1000-`)
    expect(report.url).toBe(`${server.origin}${IMAGE}`)
    expect(JSON.stringify(report)).not.toMatch(SECRET)
    expect(textsBelow(to).join('\n')).not.toMatch(SECRET)
  })
})

it.each(['%zz', 'a%ff', 'a%00b.bin', 'a%0Ab.bin', 'a%2fb', '.bin', ''])(
  'a URL that ends in "%s" names no file',
  async (end) => {
    const error = await failure(`http://host.invalid/files/${end}`)
    expect(error).toMatchObject({ code: 'ERR_USAGE', message: expect.stringContaining('names no file') })
  },
)

it.each(['%zz', 'user:%zz', 'a%3Ab:password'])(
  'a user name or password that can not be sent is refused: %s',
  async (user) => {
    expect(await failure(`http://${user}@host.invalid${IMAGE}`)).toMatchObject({ code: 'ERR_USAGE' })
  },
)

/** Contents of all files, and their names. */
function textsBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const file = join(path, name)
    return statSync(file).isFile() ? [name, readFileSync(file, 'latin1')] : [name]
  })
}
