/**
 * Where keys come from: files that the user names, and two keyrings.
 *
 *   --key FILE            named for this run: signatures are expected to be by one of these
 *   OEM_BAKE_KEYRING      a file of keys, or a directory of such files
 *   $XDG_CONFIG_HOME/oem-bake/keys, or ~/.config/oem-bake/keys        our own; `oem-bake keys add` fills it
 *
 * All of them count together. gpg's own keyrings are left alone: most of what is in them was never meant to vouch for images.
 * Files are found here, and read; whether they hold keys is the openpgp package's to say, which is loaded by `openKeyring`.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { fileError, isErrnoException, UsageError } from '../errors.js'
import { formatBytes } from '../units.js'
import type { KeyBytes } from './openpgp/key-file.js'
import type { Certificate } from './openpgp/keys.js'

export interface KeyFile {
  readonly path: string
  readonly from: 'request' | 'environment' | 'own'
}

/** Debian's whole archive keyring has 55 KB. */
const LIMIT_BYTES = 16 << 20
const KEY_FILE = /\.(?:asc|gpg|key|pgp|pub)$/

/** `$XDG_CONFIG_HOME/oem-bake/keys` or `~/.config/oem-bake/keys`; undefined when neither is known. */
export function ownKeyring(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CONFIG_HOME: base, HOME: home } = env
  if (base !== undefined && isAbsolute(base)) return join(base, 'oem-bake', 'keys')
  return home !== undefined && isAbsolute(home) ? join(home, '.config', 'oem-bake', 'keys') : undefined
}

/**
 * All files that are to be looked into.
 *
 * @param named by `--key`
 * @throws ERR_INPUT_FILE when a file, or what OEM_BAKE_KEYRING says, is not there
 */
export async function findKeyFiles(
  named: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly KeyFile[]> {
  const { OEM_BAKE_KEYRING: keyring } = env
  const own = ownKeyring(env)
  const groups = await Promise.all([
    ...named.map((path) => filesAt(path, 'request')),
    ...(keyring === undefined || keyring === '' ? [] : [filesAt(keyring, 'environment')]),
    ...(own === undefined ? [] : [filesAt(own, 'own')]),
  ])
  return groups.flat()
}

/** @param named as what it was given: by `keys add`, as a word of its own */
async function filesAt(
  path: string,
  from: KeyFile['from'],
  named: 'flag' | 'word' = 'flag',
): Promise<readonly KeyFile[]> {
  try {
    const found = await stat(path)
    if (found.isFile()) return [{ path, from }]
    if (!found.isDirectory()) throw unfit(path, from, named, 'is neither a file nor a directory')
    const names = (await readdir(path)).filter((name) => KEY_FILE.test(name)).sort()
    return names.map((name) => ({ path: join(path, name), from }))
  } catch (error) {
    const errno = isErrnoException(error) ? error.code : undefined
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw fileError(error, `read the keys in ${path}`)
    if (from === 'own') return []
    throw unfit(path, from, named, 'does not exist')
  }
}

function unfit(path: string, from: KeyFile['from'], named: 'flag' | 'word', what: string): UsageError {
  const flag = from === 'request' ? `--key ${path}: ` : `OEM_BAKE_KEYRING=${path}: `
  const message = `${named === 'word' ? '' : flag}${path} ${what}`
  return new UsageError('ERR_INPUT_FILE', message, { hint: 'check the path' })
}

/**
 * Reads files of keys and proves what is in them.
 *
 * @throws ERR_KEY_INVALID for a file that holds no keys; ERR_PERMISSION | ERR_IO
 */
export async function openKeyring(files: readonly KeyFile[], now: Date): Promise<readonly Certificate[]> {
  const [{ readCertificates }, { NoKeys }, bytes] = await Promise.all([
    import('./openpgp/keys.js'),
    import('./openpgp/key-file.js'),
    Promise.all(files.map(({ path }) => readKeyFile(path))),
  ])
  try {
    return await readCertificates(bytes, now)
  } catch (error) {
    if (!(error instanceof NoKeys)) throw error
    const isOwn = files.some(({ from, path }) => from === 'own' && path === error.file)
    throw invalidKeys(
      error.file,
      error.message,
      error,
      isOwn ? `remove it: rm ${JSON.stringify(error.file)}` : undefined,
    )
  }
}

/** A key as our own keyring keeps it. */
export interface AddedKey {
  readonly primaryFingerprint: string
  readonly path: string
  /** It was not there before. */
  readonly added: boolean
}

/**
 * Copies the public keys in a file into our own keyring. What is there already stays: an older copy may know of a revocation.
 *
 * @throws ERR_KEY_INVALID, ERR_INPUT_FILE, ERR_PERMISSION | ERR_NO_SPACE | ERR_IO
 */
export async function addKeys(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly AddedKey[]> {
  const directory = ownKeyring(env)
  if (directory === undefined) {
    throw new UsageError('ERR_USAGE', 'there is no directory for keys: neither XDG_CONFIG_HOME nor HOME is set', {
      hint: `give the key with --key ${path} instead`,
    })
  }
  await filesAt(path, 'request', 'word')
  const { NoKeys, splitKeys } = await import('./openpgp/key-file.js')
  const { bytes } = await readKeyFile(path)
  const keys = await splitKeys(path, bytes).catch((error) => {
    throw error instanceof NoKeys ? invalidKeys(path, error.message, error) : error
  })
  const added: AddedKey[] = []
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const there = new Set(await readdir(directory))
    for (const { packets, primaryFingerprint } of keys) {
      // By content, too: two states of one key lie side by side, and count together.
      const digest = createHash('sha256').update(packets).digest('hex').slice(0, 16)
      const name = `${primaryFingerprint}-${digest}.pgp`
      const file = join(directory, name)
      if (added.some(({ path: known }) => known === file)) continue
      added.push({ primaryFingerprint, path: file, added: !there.has(name) })
      if (!there.has(name)) await writeWhole(file, packets)
    }
  } catch (error) {
    throw fileError(error, `write to ${directory}`)
  }
  return added
}

/** Appears whole, or not at all. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  try {
    await writeFile(beside, bytes, { flag: 'wx', mode: 0o600, flush: true })
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw error
  }
}

async function readKeyFile(path: string): Promise<KeyBytes> {
  try {
    const { size } = await stat(path)
    if (size > LIMIT_BYTES) throw invalidKeys(path, `has more than ${formatBytes(LIMIT_BYTES)}`)
    return { file: path, bytes: await readFile(path) }
  } catch (error) {
    throw fileError(error, `read the keys in ${path}`)
  }
}

function invalidKeys(path: string, reason: string, cause?: unknown, hint?: string): UsageError {
  return new UsageError('ERR_KEY_INVALID', `${path} ${reason}`, {
    hint: hint ?? 'gpg --export FINGERPRINT > key.gpg writes a file of keys; a pubring.kbx is none',
    details: { file: path },
    cause,
  })
}
