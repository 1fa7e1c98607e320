/** The verbs about trust and downloads, and what a bake signs, while their operations fail. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll } from 'vitest'
import { compressFile } from '../bzip2-file.js'
import { CHECKOUT } from '../command-line.js'
import { Gpg } from '../gpg.js'
import { noise } from '../random.js'
import { ReleaseServer } from '../release-server.js'
import { makeSmallDisk } from '../small-disk.js'
import { environmentOf, type Ground, OUTPUT, type Place, type Scenario } from './scenarios.js'

const RELEASE_PATH = '/amd64-usr/2512.3.0'
const IMAGE_NAME = 'coreos_production_openstack_image.img.bz2'

/** Makes images, an edition of each, a key that signs always at the same time, and a server. */
export async function makeTrustScenarios(ground: Ground): Promise<readonly Scenario[]> {
  const directory = join(ground.inputs, 'trust')
  mkdirSync(directory)
  const path = (name: string): string => join(directory, name)
  const gpg = new Gpg()
  afterAll(() => gpg[Symbol.dispose]())
  const key = gpg.newKey('Fault <fault@example.com>', 'ed25519', 'sign', '2020-01-01')
  const keyFile = gpg.export(path('key.asc'), [key])
  // The same signature, byte for byte, in every run.
  writeFileSync(join(gpg.home, 'gpg.conf'), 'faked-system-time 20240501T120000!\n')
  // Started now: an agent that a run starts would be left by it.
  execFileSync('gpgconf', ['--homedir', gpg.home, '--launch', 'gpg-agent'])

  const raw = makeSmallDisk(path('image.img'), { oemMiB: 5 })
  writeFileSync(`${raw}.sig`, gpg.sign(raw, key))
  const bzip2 = compressFile(makeSmallDisk(path('dense.img'), { data: noise(1 << 20) }))
  const [bakedRaw, bakedBzip2] = [raw, bzip2].map((image) => bakedOf(image, path(`baked-${basename(image)}`), ground))
  const server = await serve(bzip2)
  afterAll(() => server[Symbol.asyncDispose]())

  const output = ({ out }: Place): readonly string[] => ['--output', join(out, OUTPUT)]
  return [
    { name: 'verify by a signature', input: raw, args: () => ['verify', raw, '--key', keyFile] },
    {
      name: 'keys add',
      input: keyFile,
      args: () => ['keys', 'add', keyFile],
      env: ({ out }) => ({ XDG_CONFIG_HOME: out }),
    },
    { name: 'prove, raw', input: bakedRaw!, args: () => ['prove', raw, bakedRaw!, '--key', keyFile] },
    { name: 'prove, raw.bz2', input: bakedBzip2!, args: () => ['prove', bzip2, bakedBzip2!] },
    {
      name: 'unbake',
      input: bakedRaw!,
      args: (place) => ['unbake', bakedRaw!, '--original', raw, '--key', keyFile, ...output(place)],
    },
    {
      name: 'unbake, raw.bz2',
      input: bakedBzip2!,
      args: (place) => ['unbake', bakedBzip2!, '--original', bzip2, ...output(place)],
    },
    {
      name: 'signed, with everything beside it',
      input: raw,
      args: (place) => [
        ...[raw, '--oem-id', 'ec2', '--key', keyFile, ...output(place)],
        ...['--with', 'digests,provenance', '--sign', key],
      ],
      env: () => ({ GNUPGHOME: gpg.home }),
    },
    {
      name: 'fetch',
      input: bzip2,
      args: ({ out }) => ['fetch', `${server.origin}${RELEASE_PATH}/${IMAGE_NAME}`, '--directory', out],
    },
  ]
}

function bakedOf(image: string, output: string, { places }: Ground): string {
  const args = [join(CHECKOUT, 'dist/oem-bake.js'), image, '--template', 'rackspace', '--output', output, '--no-cache']
  const env = { ...process.env, ...environmentOf({ tmp: places, cache: join(places, 'unused') }) }
  execFileSync(process.execPath, [...args, '--verify', 'off'], { env, stdio: 'pipe' })
  return output
}

async function serve(image: string): Promise<ReleaseServer> {
  const bytes = readFileSync(image)
  const server = await ReleaseServer.start()
  const sha512 = createHash('sha512').update(bytes).digest('hex')
  const files = {
    [IMAGE_NAME]: bytes,
    [`${IMAGE_NAME}.DIGESTS`]: Buffer.from(`# SHA512 HASH\n${sha512}  ${IMAGE_NAME}\n`),
    'version.txt': Buffer.from('COREOS_VERSION=2512.3.0\nCOREOS_VERSION_ID=2512.3.0\nCOREOS_BUILD_ID=""\n'),
  }
  for (const [name, content] of Object.entries(files)) server.files.set(`${RELEASE_PATH}/${name}`, { bytes: content })
  return server
}
