/**
 * Downloads from a server that misbehaves in every way of the table: what comes out, and that nothing which is not verified is
 * ever under its final name.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OemBakeError } from '#src/errors.js'
import { type FetchReport, type FetchRequest, fetchImage } from '#src/fetch/fetch.js'
import type { RunContext } from '#src/progress.js'
import { testContext } from '../support/context.js'
import { Gpg } from '../support/gpg.js'
import { type Behaviour, ReleaseServer } from '../support/release-server.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const NAME = 'flatcar_production_openstack_image.img.bz2'
const VERSION = '3510.2.8'
const RELEASE = `/amd64-usr/${VERSION}/`
const IMAGE = RELEASE + NAME
const bytes = randomBytes(1 << 20)
const other = randomBytes(1 << 20)
const versionTxt = Buffer.from(`FLATCAR_VERSION=${VERSION}\nFLATCAR_VERSION_ID=${VERSION}\nFLATCAR_BUILD_ID=""\n`)

let gpg: Gpg
let keyFile: string
/** The same key, which had expired before it signed. */
let expiredKeyFile: string
let otherKeyFile: string
let signature: Buffer
beforeAll(() => {
  gpg = new Gpg()
  const key = gpg.newKey('Test Publisher <test@example.com>', 'ed25519', 'sign', '2024-01-01')
  keyFile = gpg.export(join(directory, 'key.asc'), [key])
  writeFileSync(join(directory, 'signed'), bytes)
  signature = gpg.sign(join(directory, 'signed'), key)
  gpg.run(['--quick-set-expire', key, '2024-06-01'], '2024-05-01')
  expiredKeyFile = gpg.export(join(directory, 'expired.asc'), [key])
  const otherKey = gpg.newKey('Somebody Else <else@example.com>', 'ed25519', 'sign', '2024-01-01')
  otherKeyFile = gpg.export(join(directory, 'other.asc'), [otherKey])
})
afterAll(() => gpg[Symbol.dispose]())

const digestsOf = (content: Buffer): Buffer =>
  Buffer.from(`# SHA512 HASH\n${createHash('sha512').update(content).digest('hex')}  ${NAME}\n`)

interface Run {
  readonly report?: FetchReport
  readonly error?: OemBakeError
  readonly code?: string
  readonly exitCode?: number
  readonly to: string
  readonly requests: readonly string[]
}

/** A server as it should be. */
function publish(server: ReleaseServer): void {
  server.files.set(IMAGE, { bytes })
  server.files.set(`${IMAGE}.sig`, { bytes: signature })
  server.files.set(`${IMAGE}.DIGESTS`, { bytes: digestsOf(bytes) })
  server.files.set(`${RELEASE}version.txt`, { bytes: versionTxt })
  server.files.set('/amd64-usr/current/version.txt', { bytes: versionTxt })
}

/** A server as it should be, changed by the case; one fetch from it into an empty directory. */
async function run(
  arrange: (server: ReleaseServer) => void,
  request: Partial<FetchRequest> = {},
  to = mkdtempSync(join(directory, 'to-')),
): Promise<Run> {
  await using server = await ReleaseServer.start()
  publish(server)
  arrange(server)
  return await runFrom(server, request, to)
}

/** @returns with the requests of this run alone */
async function runFrom(server: ReleaseServer, request: Partial<FetchRequest>, to: string): Promise<Run> {
  const before = server.requests.length
  const source = {
    distro: 'flatcar',
    channel: 'stable',
    arch: 'amd64',
    platform: 'openstack',
    version: VERSION,
    mirror: server.origin,
  } as const
  const asked: FetchRequest = {
    source,
    directory: to,
    keys: [keyFile],
    retry: { retries: 3, delayMs: 1 },
    silenceMs: 300,
    ...request,
  }
  try {
    const report = await fetchImage(asked, testContext({ env: { XDG_CACHE_HOME: join(to, 'cache') } }))
    return { report, to, requests: server.requests.slice(before) }
  } catch (error) {
    if (!(error instanceof OemBakeError)) throw error
    return { error, code: error.code, exitCode: error.exitCode, to, requests: server.requests.slice(before) }
  }
}

/** Does something else the first times that the image is asked for. */
const first =
  (times: number, misbehave: Behaviour): ((server: ReleaseServer) => void) =>
  (server) => {
    let count = 0
    server.behave = (path, request, response) =>
      path === IMAGE && ++count <= times ? misbehave(path, request, response) : false
  }

const cutOffAt =
  (length: number): Behaviour =>
  (_path, _request, response) => {
    response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' })
    response.write(bytes.subarray(0, length), () => response.socket?.end())
    return true
  }

describe('the image is there and verified', () => {
  const cases: Readonly<Record<string, (server: ReleaseServer) => void>> = {
    'when all is well': () => undefined,
    'after the server cut the connection': first(1, cutOffAt(300_000)),
    'after the server cut the connection again and again, each time a little further': (server) => {
      let end = 0
      server.behave = (path, request, response) => {
        if (path !== IMAGE || end >= bytes.length) return false
        const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
        end = from + 100_000
        const status = from === 0 ? 200 : 206
        const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
        response.writeHead(status, { 'content-length': bytes.length - from, etag: '"1"', ...(from && range) })
        response.write(bytes.subarray(from, end), () => response.socket?.end())
        return true
      }
    },
    'after the server fell silent in the middle': first(1, (_path, _request, response) => {
      response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' })
      response.write(bytes.subarray(0, 1000))
      return true
    }),
    'after the server never answered': first(1, () => true),
    'after the server was busy': first(2, (_path, _request, response) => {
      response.writeHead(503, { 'retry-after': '0' }).end()
      return true
    }),
    'after the server refused to go on and sent all of it again': (server) => {
      let count = 0
      server.behave = (path, request, response) => {
        if (path !== IMAGE) return false
        if (++count === 1) return cutOffAt(300_000)(path, request, response)
        response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
        return true
      }
    },
    'after the file changed on the server between two requests': (server) => {
      let count = 0
      server.behave = (path, _request, response) => {
        if (path !== IMAGE || ++count > 1) return false
        response.writeHead(200, { 'content-length': other.length, etag: '"older"' })
        response.write(other.subarray(0, 200_000), () => response.socket?.end())
        return true
      }
    },
    'after the server sent another part than was asked for': (server) => {
      let count = 0
      server.behave = (path, request, response) => {
        if (path !== IMAGE || ++count > 2) return false
        if (count === 1) return cutOffAt(300_000)(path, request, response)
        const range = `bytes 5-${bytes.length - 1}/${bytes.length}`
        response.writeHead(206, { 'content-range': range, etag: '"1"' }).end(bytes.subarray(5))
        return true
      }
    },
    'after the server named a length that is too long': first(1, (_path, _request, response) => {
      response.writeHead(200, { 'content-length': bytes.length + 10, etag: '"2"' })
      response.write(bytes, () => response.socket?.end())
      return true
    }),
    'over redirects': first(1, (path, _request, response) => {
      response.writeHead(302, { location: `${path}?somewhere=else` }).end()
      return true
    }),
    'from a server that names no length': first(1, (_path, _request, response) => {
      response.writeHead(200)
      response.end(bytes)
      return true
    }),
    'with a signature and no digests': (server) => void server.files.delete(`${IMAGE}.DIGESTS`),
    'with digests and no signature': (server) => void server.files.delete(`${IMAGE}.sig`),
    'without version.txt': (server) => void server.files.delete(`${RELEASE}version.txt`),
  }
  for (const [title, arrange] of Object.entries(cases)) {
    it(title, async () => {
      const { code, report, to } = await run(arrange)
      expect(code).toBeUndefined()
      expect(readFileSync(join(to, NAME)).equals(bytes)).toBe(true)
      expect(report?.how).toBe('downloaded')
      expect(report?.verification.status).toBe(title.includes('no signature') ? 'digest' : 'signature')
      expect(report?.files).toEqual(expect.arrayContaining(vouchingFiles(report)))
      expect(vouchingFiles(report)).not.toEqual([])
      expect(leftovers(to)).toEqual([])
    })
  }
})

describe('nothing has the name of the image', () => {
  const cases: Readonly<Record<string, readonly [string, (server: ReleaseServer) => void, Partial<FetchRequest>?]>> = {
    'when the server has none': ['ERR_NOT_PUBLISHED', (server) => void server.files.delete(IMAGE)],
    'when it has neither signature nor digests': [
      'ERR_UNVERIFIED',
      (server) => {
        server.files.delete(`${IMAGE}.sig`)
        server.files.delete(`${IMAGE}.DIGESTS`)
      },
    ],
    'when a signature is required and there are digests only': [
      'ERR_UNVERIFIED',
      (server) => void server.files.delete(`${IMAGE}.sig`),
      { verify: 'require' },
    ],
    'when it is another one than was signed': [
      'ERR_SIGNATURE_BAD',
      (server) => {
        server.files.set(IMAGE, { bytes: other })
        server.files.delete(`${IMAGE}.DIGESTS`)
      },
    ],
    'when it is another one than the digests are of': [
      'ERR_DIGEST_MISMATCH',
      (server) => {
        server.files.set(IMAGE, { bytes: other })
        server.files.delete(`${IMAGE}.sig`)
      },
    ],
    'when it has a byte more': [
      'ERR_DIGEST_MISMATCH',
      (server) => void server.files.set(IMAGE, { bytes: Buffer.concat([bytes, Buffer.of(0)]) }),
    ],
    'when the server gives an error page for the signature': [
      'ERR_SIGNATURE_INVALID',
      (server) => void server.files.set(`${IMAGE}.sig`, { bytes: Buffer.from('<html>not found</html>') }),
    ],
    'when the server has another part of the signature than was asked for': [
      'ERR_NETWORK',
      (server) => {
        server.behave = (path, _request, response) => {
          if (path !== `${IMAGE}.sig`) return false
          response.writeHead(416).end(signature)
          return true
        }
      },
    ],
    'when the server always cuts the connection at the start': [
      'ERR_NETWORK',
      first(Number.POSITIVE_INFINITY, (_path, request) => {
        request.socket.destroy()
        return true
      }),
    ],
    'when the server is always busy': [
      'ERR_NETWORK',
      first(Number.POSITIVE_INFINITY, (_path, _request, response) => {
        response.writeHead(500).end()
        return true
      }),
    ],
    'when the server wants to know who asks': [
      'ERR_NETWORK',
      first(1, (_path, _request, response) => {
        response.writeHead(403).end()
        return true
      }),
    ],
    'when redirects go round': [
      'ERR_NETWORK',
      first(Number.POSITIVE_INFINITY, (path, _request, response) => {
        response.writeHead(302, { location: path }).end()
        return true
      }),
    ],
    'when current has no version.txt': [
      'ERR_NOT_PUBLISHED',
      (server) => {
        server.files.delete('/amd64-usr/current/version.txt')
        server.files.set(`/amd64-usr/current/${NAME}`, { bytes })
      },
      { source: { distro: 'flatcar', channel: 'stable', arch: 'amd64', platform: 'openstack', version: 'current' } },
    ],
  }
  for (const [title, [code, arrange, request]] of Object.entries(cases)) {
    it(title, async () => {
      // A source of the case's own has no mirror yet: the server is started later.
      const source = request?.source
      const found =
        typeof source === 'object'
          ? await run((server) => {
              Object.assign(source, { mirror: server.origin })
              arrange(server)
            }, request)
          : await run(arrange, request)
      expect(found.code).toBe(code)
      expect(existsSync(join(found.to, NAME))).toBe(false)
      expect(readdirSync(found.to).filter((name) => !name.startsWith('.'))).toEqual(
        existsSync(join(found.to, 'cache')) ? ['cache'] : [],
      )
    })
  }
})

it('current is asked once which release it is, and all else comes from that release', async () => {
  const source = {
    distro: 'flatcar',
    channel: 'stable',
    arch: 'amd64',
    platform: 'openstack',
    version: 'current',
    mirror: '',
  } as const
  const { report, requests } = await run((server) => void Object.assign(source, { mirror: server.origin }), { source })
  expect(report?.release).toMatchObject({ kind: 'known', version: VERSION })
  expect(requests.filter((path) => path.includes('/current/'))).toEqual(['/amd64-usr/current/version.txt'])
})

it('a run that gave up leaves one partial file, in the cache', async () => {
  const to = mkdtempSync(join(directory, 'to-'))
  const broken = await run(
    (server) => {
      let count = 0
      server.behave = (path, request, response) => {
        if (path !== IMAGE) return false
        if (++count === 1) return cutOffAt(300_000)(path, request, response)
        response.destroy()
        return true
      }
    },
    {},
    to,
  )
  expect(broken.code).toBe('ERR_NETWORK')
  expect(leftovers(to)).toEqual([`.oem-bake-fetch-${NAME}`])
})

it('what was fetched is taken from the cache the next time, and not when it was changed there', async () => {
  const to = mkdtempSync(join(directory, 'to-'))
  await run(() => undefined, {}, to)
  const again = async (): Promise<Run> => {
    rmSync(join(to, NAME))
    return run(() => undefined, {}, to)
  }
  const cached = await again()
  expect(cached.report?.how).toBe('cached')
  expect(vouchingFiles(cached.report)).toContain(join(to, `${NAME}.sig`))
  expect(cached.requests.some((path) => path === IMAGE)).toBe(false)
  const [key = ''] = readdirSync(join(to, 'cache/oem-bake/images'))
  rmSync(join(to, NAME))
  rmSync(join(to, 'cache/oem-bake/images', key, NAME))
  writeFileSync(join(to, 'cache/oem-bake/images', key, NAME), other)
  const { report } = await run(() => undefined, {}, to)
  expect(report?.how).toBe('downloaded')
  expect(readFileSync(join(to, NAME)).equals(bytes)).toBe(true)
})

it('an image that is there is verified and left; another file of its name is not replaced without --force', async () => {
  const to = mkdtempSync(join(directory, 'to-'))
  writeFileSync(join(to, NAME), bytes)
  const present = await run(() => undefined, { cache: false }, to)
  expect(present.code).toBeUndefined()
  expect(present.report?.how).toBe('present')
  expect(present.report?.files.every((path) => existsSync(path))).toBe(true)
  expect(vouchingFiles(present.report)).toContain(join(to, `${NAME}.sig`))
  writeFileSync(join(to, NAME), other)
  expect((await run(() => undefined, { cache: false }, to)).code).toBe('ERR_OUTPUT_EXISTS')
  expect(readFileSync(join(to, NAME)).equals(other)).toBe(true)
  expect((await run(() => undefined, { cache: false, force: true }, to)).report?.how).toBe('downloaded')
  expect(readFileSync(join(to, NAME)).equals(bytes)).toBe(true)
})

it('a run that is cancelled in the middle leaves no image', async () => {
  const to = mkdtempSync(join(directory, 'to-'))
  const abort = new AbortController()
  await using server = await ReleaseServer.start()
  server.files.set(`${IMAGE}.DIGESTS`, { bytes: digestsOf(bytes) })
  server.behave = (path, _request, response) => {
    if (path !== IMAGE) return false
    response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' })
    response.write(bytes.subarray(0, 1000))
    return true
  }
  const source = `${server.origin}${IMAGE}`
  const recording = testContext({ signal: abort.signal, env: {} })
  const context: RunContext = {
    ...recording,
    report: (event) => event.kind === 'progress' && event.doneBytes === 1000 && abort.abort(),
  }
  await expect(fetchImage({ source, directory: to }, context)).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  expect(existsSync(join(to, NAME))).toBe(false)

  // The same address again: the rest only is asked for.
  server.behave = () => false
  server.files.set(IMAGE, { bytes })
  const report = await fetchImage({ source, directory: to }, testContext({ env: {} }))
  expect(report.how).toBe('downloaded')
  expect(server.requests).toContain(`${IMAGE} bytes=1000-`)
  expect(readFileSync(join(to, NAME)).equals(bytes)).toBe(true)
  expect(leftovers(to)).toEqual([])
})

describe('what was downloaded is kept', () => {
  it('when the key is a wrong one: with the right one nothing of it comes again', async () => {
    const to = mkdtempSync(join(directory, 'to-'))
    await using server = await ReleaseServer.start()
    publish(server)
    const wrong = await runFrom(server, { keys: [otherKeyFile] }, to)
    expect(wrong.code).toBe('ERR_SIGNATURE_KEY_UNKNOWN')
    // By a name that is still there when the run is over.
    expect(wrong.error?.details).toMatchObject({ file: `${server.origin}${IMAGE}.sig` })
    expect(wrong.error?.message).toContain(`${server.origin}${IMAGE}.sig`)
    expect(wrong.error?.message).not.toContain(to)
    const right = await runFrom(server, {}, to)
    expect(right.report?.verification.status).toBe('signature')
    expect(readFileSync(join(to, NAME)).equals(bytes)).toBe(true)
    expect(right.requests.filter((path) => path.split(' ')[0] === IMAGE)).toEqual([`${IMAGE} bytes=${bytes.length}-`])
    expect(leftovers(to)).toEqual([])
  })

  it('when a side file is a wrong one, which counts no more once the server has none', async () => {
    const to = mkdtempSync(join(directory, 'to-'))
    await using server = await ReleaseServer.start()
    publish(server)
    server.files.set(`${IMAGE}.sig`, { bytes: Buffer.from('<html>not found</html>') })
    expect((await runFrom(server, {}, to)).code).toBe('ERR_SIGNATURE_INVALID')
    server.files.delete(`${IMAGE}.sig`)
    const again = await runFrom(server, {}, to)
    expect(again.report?.verification.status).toBe('digest')
    expect(again.requests).toContain(`${IMAGE} bytes=${bytes.length}-`)
  })

  it('unless the file has changed on the server since', async () => {
    const to = mkdtempSync(join(directory, 'to-'))
    await using server = await ReleaseServer.start()
    publish(server)
    server.files.set(IMAGE, { bytes: other, etag: '"older"' })
    server.files.delete(`${IMAGE}.DIGESTS`)
    expect((await runFrom(server, { keys: [otherKeyFile] }, to)).code).toBe('ERR_SIGNATURE_KEY_UNKNOWN')
    server.files.set(IMAGE, { bytes })
    expect((await runFrom(server, {}, to)).report?.verification.status).toBe('signature')
    expect(readFileSync(join(to, NAME)).equals(bytes)).toBe(true)
  })

  it('in the cache, when its key had expired before it signed', async () => {
    const to = mkdtempSync(join(directory, 'to-'))
    await run(() => undefined, {}, to)
    rmSync(join(to, NAME))
    const expired = await run(() => undefined, { keys: [expiredKeyFile] }, to)
    expect(expired.error).toMatchObject({ code: 'ERR_SIGNATURE_BAD', details: { why: 'made-after-expiry' } })
    expect(expired.requests).not.toContain(IMAGE)
    expect((await run(() => undefined, {}, to)).report?.how).toBe('cached')
  })
})

it('a file of keys that holds none is told before the server is asked for anything', async () => {
  const noKey = join(directory, 'no-key.asc')
  writeFileSync(noKey, 'no key\n')
  const { code, requests } = await run(() => undefined, { keys: [noKey] })
  expect(code).toBe('ERR_KEY_INVALID')
  expect(requests).toEqual([])
})

/** Those that the report says vouch for the image. */
function vouchingFiles(report: FetchReport | undefined): string[] {
  const verification = report?.verification
  if (verification === undefined || !('digests' in verification)) return []
  const digests = verification.digests.map(({ file }) => file)
  return verification.status === 'signature' ? [verification.file, ...digests] : digests
}

/** What nobody asked for, in the directory and in the cache. */
function leftovers(to: string): string[] {
  return [to, join(to, 'cache/oem-bake/images')]
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place).filter((name) => name.startsWith('.oem-bake')))
}
