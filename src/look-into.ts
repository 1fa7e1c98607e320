/**
 * An image, opened as far as its OEM partition, looked at, and closed again: what every verb that only reads goes through.
 */
import { tmpdir } from 'node:os'
import { type BootedReport, examineBooted } from './booted/booted.js'
import type { Bzip2Options } from './codec/bzip2/bzip2.js'
import type { DecodedImage } from './codec/codec.js'
import { decodeImage } from './codec/open.js'
import { describeImage } from './describe-image.js'
import { GPT_SIZE_ANCHOR } from './disk/gpt/size-anchor.js'
import type { LocatedOem } from './disk/locate-oem.js'
import { openOem } from './disk/open-oem.js'
import type { EngineName, FilesystemEditor } from './engine/engine.js'
import { prepareEngine, withMountedOem } from './engine/mount.js'
import { readRelease, releaseNotes, toldRelease } from './oem/release/read-release.js'
import type { ImageRelease } from './oem/release/release.js'
import type { RunContext } from './progress.js'
import type { ImageReport } from './report.js'
import type { ImageRequest } from './request.js'
import { DEFAULT_SIZE_LIMIT_BYTES } from './size-limit.js'
import { openImage } from './source/source.js'
import { openWorkspace } from './temp.js'
import { type VerifiedImage, verifyOrigin } from './trust/verify.js'

/** What a plan is made from: the OEM partition, mounted. */
export interface OpenOem {
  readonly oem: FilesystemEditor
  readonly located: LocatedOem
  readonly release: ImageRelease
  readonly booted: BootedReport
  /** Of this run; removed with it. */
  readonly workDirectory: string
  /** The plan will most likely be done. */
  expectEdit?(): void
}

interface Seen<T> {
  readonly image: ImageReport
  readonly engine: EngineName
  readonly release: ImageRelease
  readonly found: T
}

export async function lookInto<T>(
  request: ImageRequest,
  context: RunContext,
  look: (open: OpenOem) => Promise<T>,
): Promise<Seen<T>> {
  await using opened = await openImage(request.image)
  await using spareThread = prepareEngine(request.engine ?? 'auto')
  await using scratch = await openWorkspace(request.tmpDir ?? tmpdir())
  const image = await verifyOrigin(opened, request, context)
  await using decoded = await decodeImage(image, { kind: 'look' }, codecOptions(request), context)
  // Awaited here: what is opened above closes as soon as this function returns.
  return await preferringMismatch(image, decoded, async () => {
    const { located, notes } = await openOem(decoded, sizeLimit(request))
    const told = await toldRelease(request.release, image.path, decoded.notes)
    const engineContext = { ...context, workDirectory: scratch.directory, spareThread }
    context.report({ kind: 'phase', phase: 'read-oem' })
    const { booted, ...seen } = await withMountedOem(
      located,
      request.engine ?? 'auto',
      told.kind === 'unknown',
      engineContext,
      async ({ engine, oem, withUsr }) => {
        const release = await readRelease(told, withUsr)
        const booted = await examineBooted(located, release, decoded.notes)
        const open = { oem, located, release, booted: booted.report, workDirectory: scratch.directory }
        return { engine, release, booted, found: await look(open) }
      },
    )
    await decoded.settled()
    await decoded.remember({ ...releaseNotes(seen.release, decoded.notes), ...notes, ...booted.notes })
    return { ...seen, image: await describeImage(image, decoded, located, booted.report) }
  })
}

export function sizeLimit(request: ImageRequest): number {
  return request.maxSizeBytes ?? DEFAULT_SIZE_LIMIT_BYTES
}

export function codecOptions(request: ImageRequest): Bzip2Options {
  return { anchor: GPT_SIZE_ANCHOR, limitBytes: sizeLimit(request), useCache: request.cache ?? true }
}

/** Whatever goes wrong with an image that is not the one that was published, that it is not is the reason. */
export async function preferringMismatch<T>(
  { origin }: VerifiedImage,
  decoded: DecodedImage,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (origin.binds) await decoded.settled()
    throw error
  }
}
