/** `fetch`, and images named by their URL, through the command line, from a server that behaves. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixtureImage } from '../support/images.js'
import { ReleaseServer } from '../support/release-server.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'
import { ENV, sha256 } from './outside.js'

const directory = temporaryDirectory()
const NAME = 'coreos_production_openstack_image.img.bz2'
const PROGRAM = join(import.meta.dirname, '../../dist/oem-bake.js')
let image = ''
let server: ReleaseServer

beforeAll(async () => {
  image = await fixtureImage('cl-openstack')
  const bytes = readFileSync(image)
  server = await ReleaseServer.start()
  const release = '/amd64-usr/2512.3.0'
  const versionTxt = 'COREOS_VERSION=2512.3.0\nCOREOS_VERSION_ID=2512.3.0\nCOREOS_BUILD_ID=""\n'
  server.files.set(`${release}/${NAME}`, { bytes })
  server.files.set(`${release}/${NAME}.DIGESTS`, {
    bytes: Buffer.from(`# SHA512 HASH\n${createHash('sha512').update(bytes).digest('hex')}  ${NAME}\n`),
  })
  for (const place of [release, '/amd64-usr/current'])
    server.files.set(`${place}/version.txt`, { bytes: Buffer.from(versionTxt) })
})
afterAll(() => server[Symbol.asyncDispose]())

async function run(cwd: string, ...args: readonly string[]) {
  mkdirSync(join(directory, cwd), { recursive: true })
  const env = { ...ENV, XDG_CACHE_HOME: join(directory, 'cache'), HOME: directory }
  return execa('node', [PROGRAM, ...args], { cwd: join(directory, cwd), env, reject: false })
}

it('fetch prints the path of what it downloaded, and a second one takes it from where it was kept', async () => {
  const words = ['fetch', '--distro', 'container-linux', '--platform', 'openstack', '--mirror', server.origin]
  const first = await run('first', ...words, '--json')
  expect(first.exitCode, first.stderr).toBe(0)
  expect(JSON.parse(first.stdout)).toMatchObject({
    how: 'downloaded',
    release: { version: '2512.3.0' },
    verification: { status: 'digest' },
    url: `${server.origin}/amd64-usr/2512.3.0/${NAME}`,
  })
  expect(sha256(join(directory, 'first', NAME))).toBe(sha256(image))
  expect(readdirSync(join(directory, 'first')).sort()).toEqual([NAME, `${NAME}.DIGESTS`, 'version.txt'])
  const asked = server.requests.length
  const second = await run('second', ...words)
  expect(second.exitCode, second.stderr).toBe(0)
  expect(second.stdout).toBe(join(directory, 'second', NAME))
  expect(second.stderr).toContain('taken from the cache')
  expect(server.requests.slice(asked)).not.toContain(`/amd64-usr/2512.3.0/${NAME}`)
})

it('an image at a URL is baked into the working directory, labelled with its release, as the file itself would be', async () => {
  const url = `${server.origin}/amd64-usr/current/${NAME}`
  const fetched = await run('baked', url, '--template', 'rackspace', '--label', '--progress', 'none')
  expect(fetched.exitCode, fetched.stderr).toBe(0)
  expect(basename(fetched.stdout)).toBe('coreos_production_openstack_image.2512.3.0.rackspace.img.bz2')
  expect(existsSync(join(directory, 'baked', basename(fetched.stdout)))).toBe(true)
  const out = join(directory, 'local.img.bz2')
  const local = await run('.', image, '-t', 'rackspace', '-o', out, '--release', 'container-linux:2512.3.0')
  expect(local.exitCode, local.stderr).toBe(0)
  expect(sha256(out)).toBe(sha256(fetched.stdout))
})

it('--label takes the release from inside the image when nothing else tells it, and says what to do when that does not', async () => {
  const told = await run('.', image, '-t', 'rackspace', '--label', '--output-dir', 'made/for/it')
  expect(told.exitCode, told.stderr).toBe(0)
  expect(basename(told.stdout)).toMatch(/\.2512\.3\.0\.rackspace\.img\.bz2$/)
  const silent = makeSmallDisk(join(directory, 'silent.bin'), { osRelease: 'ID=unknown\n' })
  const { exitCode, stderr } = await run('.', silent, '-t', 'rackspace', '--label', '--output-dir', 'made/for/nothing')
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--release') })
  expect(readdirSync(join(directory, 'made/for'))).toEqual(['it'])
})

it('--version is the release here, and the flags that name an image do not go with a URL', async () => {
  const { exitCode, stderr } = await run('.', 'fetch', 'https://example.com/x.bz2', '--version', '1.2.3')
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--version names an image, and so does https://example.com/x.bz2')
})

it('a URL that names no file is refused, whether it is to be fetched or baked', async () => {
  const url = `${server.origin}/%zz?token=hidden`
  for (const words of [
    ['fetch', url],
    [url, '-t', 'rackspace'],
  ]) {
    const { exitCode, stderr } = await run('.', ...words)
    expect(exitCode, stderr).toBe(2)
    expect(stderr).toContain(`${server.origin}/%zz names no file`)
    expect(stderr).not.toContain('hidden')
  }
})
