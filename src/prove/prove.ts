/**
 * The proof of minimal change: of two images, nothing but the OEM partition differs.
 *
 * It needs no secret, and nothing that the baker says: it reads both files. The OEM partition is the one that the
 * *original's* partition table names. Every other sector of the two virtual disks is compared, both partition tables,
 * boot sector and gaps among them, so a partition that was moved, or a table that was touched, is a sector that differs. Then
 * the files of both OEM partitions are listed by the engines that bakes use, and compared by their SHA-256.
 *
 * What it takes for granted: that the original is what the reader takes it for (`verification` says who vouches for it), and that
 * neither file is written to meanwhile, which is noticed. Block maps of earlier runs are not used. How little has to be
 * decoded to be sure, and why that is sure: `codec/bzip2/pair.ts`.
 */
import { tmpdir } from 'node:os'
import { openDisk, type VirtualDisk } from '../disk/disk.js'
import { type LocatedOem, locateOem } from '../disk/locate-oem.js'
import { prepareEngine } from '../engine/mount.js'
import type { RunContext } from '../progress.js'
import type { ProveRequest } from '../request.js'
import { DEFAULT_SIZE_LIMIT_BYTES } from '../size-limit.js'
import { FileHash } from '../source/file-hash.js'
import { type OpenedImage, openImage } from '../source/source.js'
import { openWorkspace } from '../temp.js'
import { InputDigest } from '../trust/input-digest.js'
import { type VerifiedImage, verifyOrigin } from '../trust/verify.js'
import { SECTOR_BYTES } from '../units.js'
import { compareOem } from './compare-oem.js'
import { compareSectors, openBaked } from './compare-sectors.js'
import { decodePair, type ImageFile } from './decoded-pair.js'
import { ofImage } from './naming.js'
import type { OemPartitionReport, ProofReport, ProvedImage } from './proof.js'

/**
 * Compares two images, and says whether nothing but the OEM partition differs.
 *
 * @returns a report also when it does not hold
 * @throws OemBakeError when one of the images can't be read, or the original is not what its digest or signature says
 */
export async function prove(request: ProveRequest, context: RunContext): Promise<ProofReport> {
  const choice = request.engine ?? 'auto'
  await using original = await openImage(request.original, 'the original image is the first argument')
  await using baked = await openImage(request.baked, 'the baked image is the second argument')
  await using spareThread = prepareEngine(choice)
  await using scratch = await openWorkspace(request.tmpDir ?? tmpdir())
  const verified = await verifyOrigin(original, request, context)
  await using originalHash = new FileHash(verified.origin.hashing, context)
  await using bakedHash = new FileHash({ withSha512: false }, quiet(context))
  const digest = new InputDigest(verified, originalHash, context)
  const bakedDigests = bakedHash.whole(baked.handle.fd, baked.device.size, baked.path)
  // Waited for at the end.
  bakedDigests.catch(() => undefined)

  return await preferringMismatch(verified, digest, async () => {
    const trust = { vouchedFor: await isVouchedFor(verified, digest), settled: () => digest.settled() }
    const limitBytes = request.maxSizeBytes ?? DEFAULT_SIZE_LIMIT_BYTES
    const [originalFile, bakedFile] = toldApart(original, baked)
    const pair = await decodePair(originalFile, bakedFile, limitBytes, trust, context)
    const sectors = { device: pair.original, notes: {} }
    await using before = await ofImage(originalFile.name, () => openDisk(sectors, limitBytes))
    const located = await ofImage(originalFile.name, () => locateOem(before))
    context.report({ kind: 'phase', phase: 'compare' })
    const matched = await pair.match(mayDifferFrom(located))
    await using after = await ofImage(bakedFile.name, () => openBaked(matched.device, limitBytes))

    const disks = { original: before, baked: after, same: matched.same }
    const { changedInside, outside, reason } = await compareSectors(disks, located, context)
    const changes =
      reason === undefined
        ? await compareOem(
            { name: originalFile.name, located },
            { name: bakedFile.name, located: await ofImage(bakedFile.name, () => locateOem(after)) },
            changedInside === 0,
            choice,
            { ...context, workDirectory: scratch.directory, spareThread },
          )
        : undefined

    const [{ sha256 }, { sha256: bakedSha256 }] = await Promise.all([digest.settled(), bakedDigests])
    await Promise.all([original.assertUnchanged(), baked.assertUnchanged()])
    return {
      holds: reason === undefined,
      reason,
      original: describe(original, sha256, pair.compression.original, before),
      baked: describe(baked, bakedSha256, pair.compression.baked, after),
      verification: verified.origin.verification,
      comparison: { by: pair.by, everyBlockChecked: matched.everyBlock },
      oemPartition: {
        ...placeOf(located),
        differingSectors: changedInside,
        filesystem: changes?.filesystem,
      },
      outside,
      files: changes?.files,
      engine: changes?.engine,
    }
  })
}

/** How messages call the two: editions may have the name of their original, in another directory. */
function toldApart(original: OpenedImage, baked: OpenedImage): readonly [ImageFile, ImageFile] {
  const named = ({ device, handle, name, path }: OpenedImage): ImageFile => ({
    device,
    handle,
    name: original.name === baked.name ? path : name,
  })
  return [named(original), named(baked)]
}

/**
 * Whether somebody whose key the reader has put their name to these very bytes. A digest file has no name to it: who made
 * both images to deceive can have made that, too.
 */
async function isVouchedFor({ origin }: VerifiedImage, digest: InputDigest): Promise<boolean> {
  if (!origin.binds) return false
  await digest.settled()
  return origin.verification.status === 'signature'
}

/** A raw disk is its own file, so it is the OEM partition where two may begin to differ; in a qcow2 file, anywhere. */
function mayDifferFrom({ disk, oem }: LocatedOem): number {
  return disk.format === 'raw' ? oem.partition.range.offset : 0
}

/** Whatever goes wrong with an original that is not the one that was published, that it is not is the reason. */
async function preferringMismatch<T>(
  { origin }: VerifiedImage,
  digest: InputDigest,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (origin.binds) await digest.settled()
    throw error
  }
}

/** Two counters of the same phase would only jump to and fro. */
function quiet(context: RunContext): RunContext {
  return { ...context, report: () => undefined }
}

function describe(
  { device, path }: Pick<VerifiedImage, 'device' | 'path'>,
  sha256: string,
  compression: ProvedImage['compression'],
  { format, sectors }: VirtualDisk,
): ProvedImage {
  return { path, sizeBytes: device.size, sha256, compression, format, diskBytes: sectors.size }
}

function placeOf({ oem }: LocatedOem): Pick<OemPartitionReport, 'number' | 'firstSector' | 'sectors'> {
  const { range, slot } = oem.partition
  return { number: slot, firstSector: range.offset / SECTOR_BYTES, sectors: range.length / SECTOR_BYTES }
}
