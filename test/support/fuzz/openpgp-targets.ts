/** Signatures and keys, as files that anybody may have written. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, readCertificates } from '#src/trust/openpgp/keys.js'
import { Gpg } from '../gpg.js'
import { feedKeys, feedSignature, feedText } from '../openpgp-fuzz.js'
import { noise } from '../random.js'
import type { FuzzTarget } from './target.js'

const DOCUMENT = noise(1000)
const OTHER = noise(1000, 2)

interface Material {
  readonly signatures: readonly Buffer[]
  readonly texts: readonly Buffer[]
  readonly keys: Buffer
  readonly certificates: readonly Certificate[]
}

let material: Promise<Material> | undefined

/** By gpg, once. */
function made(): Promise<Material> {
  material ??= make()
  return material
}

async function make(): Promise<Material> {
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-fuzz-'))
  using gpg = new Gpg()
  try {
    const own = gpg.newKey('Release Engineer <me@example.org>', 'ed25519', 'sign', '2020-01-01')
    const file = join(directory, 'document')
    writeFileSync(file, DOCUMENT)
    const armored = gpg.sign(file, own, undefined, ['--armor'])
    const bytes = readFileSync(gpg.export(join(directory, 'keys'), [own], []))
    const text = Buffer.from(gpg.clearSign('# SHA512 HASH\ndigest  image.bin.bz2\n', own))
    return {
      signatures: [gpg.sign(file, own), armored],
      texts: [armored, text],
      keys: bytes,
      certificates: await readCertificates([{ file: 'keys', bytes }], new Date('2026-11-25T00:00:00Z')),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const ARMOR_TOKENS = [
  '-----BEGIN PGP SIGNATURE-----\n',
  '-----END PGP SIGNATURE-----\n',
  '-----BEGIN PGP SIGNED MESSAGE-----\n',
  'Hash: SHA512\n',
  '- ',
  '=AAAA\n',
  '\r\n',
  '\n\n',
]

export const OPENPGP_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'OpenPGP signatures',
    seeds: async () => (await made()).signatures,
    read: async (bytes) => {
      const { certificates } = await made()
      await feedSignature(bytes, DOCUMENT, certificates)
      // Over something else: whatever is done to it, it does not become a good one.
      if ((await feedSignature(bytes, OTHER, certificates)) === 'good') throw new Error('a bad signature is good')
    },
  },
  {
    name: 'OpenPGP armor and signed text',
    seeds: async () => (await made()).texts,
    tokens: ARMOR_TOKENS,
    read: feedText,
  },
  { name: 'OpenPGP keys', seeds: async () => [(await made()).keys], tokens: ARMOR_TOKENS, read: feedKeys },
]
