/**
 * `fetch`: an image of a release, with what vouches for it, verified before it has its name.
 *
 *   asked for → one file of one release → side files → found, or downloaded into a directory of its own → verified → named
 *
 * What was verified is kept under the user's cache directory, by what the publisher says of it (`image-store.ts`); a bake of a
 * URL reads it there. An image that nothing at all vouches for gets no name here: a server's word is no digest.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { cacheDirectory } from '../cache-directory.js'
import { fileError, OemBakeError, RefusedError, UsageError, VerificationError } from '../errors.js'
import { given } from '../given.js'
import type { ImageRelease } from '../oem/release/release.js'
import type { RunContext } from '../progress.js'
import type { TrustRequest } from '../request.js'
import { findKeyFiles, openKeyring } from '../trust/keyring.js'
import type { Verification } from '../trust/verification.js'
import { verifyFile } from '../trust/verify-file.js'
import { shown } from './address.js'
import { download } from './download.js'
import { HttpClient } from './http.js'
import { ImageStore } from './image-store.js'
import { PartialFile } from './partial.js'
import { place } from './place.js'
import { type PublishedName, parseUrl, urlOf } from './publisher.js'
import { type ResolvedImage, resolveImage } from './resolve.js'
import { RETRY_POLICY, type RetryPolicy } from './retry.js'
import { contentKey, downloadSideFiles, type SideFile } from './side-files.js'
import { byPath, byUrl, tellError, tellingContext, tellVerification } from './told-names.js'

export interface FetchRequest extends TrustRequest {
  /** A URL, or a name to make one of. */
  readonly source: string | PublishedName
  /** Where the files go. @default they stay in the cache */
  readonly directory?: string
  /** Replace files of the same names. @default false */
  readonly force?: boolean
  /** Keep what was fetched, and take what was kept. @default true */
  readonly cache?: boolean
  readonly retry?: RetryPolicy
  /** How long a server may say nothing, in milliseconds. @default 30 000 */
  readonly silenceMs?: number
}

export interface FetchReport {
  /** Without user name, password and query. */
  readonly url: string
  readonly release: ImageRelease
  readonly image: { readonly path: string; readonly sizeBytes: number }
  /** Paths of all files, the image's first. */
  readonly files: readonly string[]
  /** Whether the image came now, or was there. */
  readonly how: 'downloaded' | 'cached' | 'present'
  readonly verification: Verification
}

/**
 * @throws ERR_USAGE for what is not published; ERR_NOT_PUBLISHED, ERR_NETWORK
 * @throws ERR_UNVERIFIED, ERR_DIGEST_MISMATCH, ERR_SIGNATURE_BAD and others of exit code 3: nothing has its name then
 * @throws ERR_OUTPUT_EXISTS; ERR_NO_SPACE, ERR_PERMISSION, ERR_IO
 */
export async function fetchImage(request: FetchRequest, context: RunContext): Promise<FetchReport> {
  const asked = typeof request.source === 'string' ? parseUrl(request.source, 'the image') : urlOf(request.source)
  const imageName = nameOf(asked)
  const store = await openStore(request, context)
  await assertKeys(request)
  const policy = request.retry ?? RETRY_POLICY
  await using client = await HttpClient.open(context, request.silenceMs)
  context.report({ kind: 'phase', phase: 'download', detail: asked.host })
  const resolved = await resolveImage(client, asked, imageName, policy, context.signal)
  const vouchers = await downloadSideFiles(client, resolved.url, imageName, policy, context.signal)
  const sides = [...vouchers, ...(resolved.versionTxt === undefined ? [] : [resolved.versionTxt])]
  const key = store === undefined ? undefined : contentKey(vouchers)
  const wanted: Wanted = { request, resolved, sides, vouchers, store, key }

  const stored = await takeStored(wanted, context)
  if (stored !== undefined) return await settle(wanted, stored, 'cached')
  await using file = await PartialFile.open(parentOf(wanted), imageName, resolved.url)
  for (const { name, bytes } of sides)
    await writeFile(join(file.directory, name), bytes).catch((error) => {
      throw fileError(error, `write ${name}`)
    })
  const present = await lookAtPresent(wanted, file.directory, context)
  if (present !== undefined)
    return await settle(wanted, { directory: file.directory, verification: present }, 'present')
  await download(client, resolved.url, file, policy, context)
  const verification = await verified(wanted, file.path, file.directory, context).catch((error) => {
    // Gone on with is what was cut off, and what may be good but for the keys or the side files; other bytes are not.
    if (isOfOtherBytes(error)) file.finish()
    throw error
  })
  if (store === undefined || key === undefined) {
    const fetched = await settle(wanted, { directory: file.directory, verification }, 'downloaded')
    file.finish()
    return fetched
  }
  await file.release()
  await store.keep(key, file.directory)
  return await settle(wanted, { directory: store.entry(key), verification }, 'downloaded')
}

interface Wanted {
  readonly request: FetchRequest
  readonly resolved: ResolvedImage
  readonly sides: readonly SideFile[]
  /** Those of the sides that vouch for the image. */
  readonly vouchers: readonly SideFile[]
  readonly store: ImageStore | undefined
  readonly key: string | undefined
}

/** A verified image, and where it is. */
interface Found {
  readonly directory: string
  readonly verification: Verification
}

function nameOf(url: URL): string {
  const name = decoded(basename(url.pathname))
  if (name !== undefined && !url.pathname.endsWith('/') && /^[^./\p{Cc}][^/\p{Cc}]*$/u.test(name)) return name
  throw new UsageError('ERR_USAGE', `${shown(url)} names no file`, { hint: 'give the URL of the image itself' })
}

/** Undefined for what encodes no text: `%zz`, or bytes that are no UTF-8. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

/** A `--key` that is no key would be found out only once the image is there. @throws ERR_KEY_INVALID, ERR_INPUT_FILE */
async function assertKeys({ keys = [], verify }: TrustRequest): Promise<void> {
  if (verify !== 'off' && keys.length > 0) await openKeyring(await findKeyFiles(keys, {}), new Date())
}

async function openStore({ cache, directory }: FetchRequest, { env }: RunContext): Promise<ImageStore | undefined> {
  const base = (cache ?? true) ? cacheDirectory(env) : undefined
  if (base === undefined && directory === undefined) {
    throw new UsageError('ERR_USAGE', 'an image by its URL is kept in the cache, and there is none', {
      hint: 'leave --no-cache out and set HOME, or run oem-bake fetch first',
    })
  }
  if (directory !== undefined) {
    const found = await stat(directory).catch((error) => {
      throw fileError(error, `write to the directory ${directory}`, 'make it, or choose another with --directory')
    })
    if (!found.isDirectory())
      throw new UsageError('ERR_USAGE', `--directory ${directory} is no directory`, { hint: 'choose another one' })
  }
  if (base === undefined) return undefined
  const images = join(base, 'images')
  await mkdir(images, { recursive: true, mode: 0o700 }).catch((error) => {
    throw fileError(error, `make ${images}`, 'set XDG_CACHE_HOME, or leave the cache out with --no-cache')
  })
  return new ImageStore(images)
}

/** Where the download goes on: what may be kept in the store, else beside its place. */
function parentOf({ key, request, store }: Wanted): string {
  const directory = request.directory === undefined ? undefined : resolve(request.directory)
  if (store !== undefined && (key !== undefined || directory === undefined)) return store.directory
  if (directory === undefined) throw unvouched('it')
  return directory
}

async function takeStored(wanted: Wanted, context: RunContext): Promise<Found | undefined> {
  const { key, resolved, store } = wanted
  if (store === undefined || key === undefined || !(await store.has(key, resolved.name))) return undefined
  const directory = store.entry(key)
  try {
    const verification = await verified(wanted, join(directory, resolved.name), directory, context)
    await store.touch(key)
    return { directory, verification }
  } catch (error) {
    if (!isOfOtherBytes(error)) throw error
    await store.remove(key)
    return undefined
  }
}

/** An image of that name where the new one is to go: the same one, or in the way. */
async function lookAtPresent(wanted: Wanted, staged: string, context: RunContext): Promise<Verification | undefined> {
  const { request, resolved, vouchers } = wanted
  const { directory, force } = request
  if (directory === undefined) return undefined
  const path = join(resolve(directory), resolved.name)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || force === true) return undefined
  const inTheWay = new RefusedError('ERR_OUTPUT_EXISTS', `${path} is there already, and is another file`, {
    hint: 'choose another directory with --directory, or replace it with --force',
  })
  const voucher = (suffix: string): string | undefined => {
    const file = vouchers.find(({ name }) => name === `${resolved.name}${suffix}`)
    return file && join(staged, file.name)
  }
  const [signature, digests] = [voucher('.sig'), voucher('.DIGESTS')]
  if (!found.isFile() || (signature === undefined && digests === undefined)) throw inTheWay
  try {
    const beside = { ...request, ...given({ signature, digests }) }
    return await verified({ ...wanted, request: beside }, path, staged, context)
  } catch (error) {
    throw isOfOtherBytes(error) ? inTheWay : error
  }
}

/**
 * @param sidesIn the directory where the side files are now
 * @throws ERR_UNVERIFIED when nothing vouches for the image at all
 */
async function verified(
  { key, request, sides, store }: Wanted,
  image: string,
  sidesIn: string,
  context: RunContext,
): Promise<Verification> {
  const { digests, directory, keys, signature, verify } = request
  if (verify === 'off') return { status: 'off', reason: 'nobody was asked: --verify off' }
  const told = byUrl(sides, sidesIn)
  try {
    const { verification } = await verifyFile(
      given({ image, verify, keys, signature, digests }),
      tellingContext(context, told),
    )
    if (verification.status === 'unverified') throw unvouched(basename(image), verification.reason)
    const kept = store === undefined || key === undefined ? sidesIn : store.entry(key)
    return tellVerification(verification, byPath(sidesIn, directory === undefined ? kept : resolve(directory)))
  } catch (error) {
    throw tellError(error, told)
  }
}

function unvouched(name: string, reason = 'the server has neither a signature nor digests of it'): VerificationError {
  return new VerificationError('ERR_UNVERIFIED', `nothing vouches for ${name}: ${reason}`, {
    hint: 'give the key with --key, or take the file as it comes with --verify off and --directory',
  })
}

/** Whether the bytes are not those that were published. That a key is unknown, revoked or expired says nothing of them. */
function isOfOtherBytes(error: unknown): boolean {
  if (!(error instanceof OemBakeError)) return false
  const { code, details } = error
  const { why } = details
  return code === 'ERR_DIGEST_MISMATCH' || (code === 'ERR_SIGNATURE_BAD' && why === 'mismatch')
}

/** Gives the files their names, if they are to have any, and says what was done. */
async function settle(
  { request, resolved, sides }: Wanted,
  { directory, verification }: Found,
  how: FetchReport['how'],
): Promise<FetchReport> {
  const to = request.directory === undefined ? directory : resolve(request.directory)
  const sideNames = sides.map(({ name }) => name)
  const path = join(to, resolved.name)
  // Nothing can fail any more once the files have their names.
  const { size: sizeBytes } = await stat(how === 'present' ? path : join(directory, resolved.name))
  if (to !== directory) {
    const imageName = how === 'present' ? undefined : resolved.name
    await place({ from: directory, to, sideNames, imageName, force: request.force ?? false })
  }
  const files = [resolved.name, ...sideNames].map((name) => join(to, name))
  return { url: shown(resolved.url), release: resolved.release, image: { path, sizeBytes }, files, how, verification }
}
