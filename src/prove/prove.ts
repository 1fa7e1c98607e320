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
import type { ByteDevice } from '../byte-device.js'
import { compareDisks } from '../disk/compare-disks.js'
import { openDisk, rawDisk, type VirtualDisk } from '../disk/disk.js'
import { filesystemName } from '../disk/filesystem/probe.js'
import { type LocatedOem, locateOem } from '../disk/locate-oem.js'
import type { EngineContext } from '../engine/engine.js'
import { prepareEngine, withMountedOem } from '../engine/mount.js'
import type { RunContext } from '../progress.js'
import type { EngineChoice, ProveRequest } from '../request.js'
import { FileHash } from '../source/file-hash.js'
import { sniff } from '../source/sniff.js'
import { openImage } from '../source/source.js'
import { openWorkspace } from '../temp.js'
import { InputDigest, wantsSha512 } from '../trust/input-digest.js'
import { type Verification, type VerifiedImage, verifyOrigin } from '../trust/verify.js'
import { extent, extentEnd, formatBytes, SECTOR_BYTES } from '../units.js'
import { changedPaths, type ProvedTree, readTree } from './compare-trees.js'
import { decodePair } from './decoded-pair.js'
import { Differences } from './differences.js'
import { ofImage } from './naming.js'
import type { OutsideReport, ProofReport, ProvedFilesystem } from './proof.js'

/**
 * Compares two images, and says whether nothing but the OEM partition differs.
 *
 * @returns a report also when it does not hold
 * @throws OemBakeError when one of the images can't be read, or is not what its digest or signature says
 */
export async function prove(request: ProveRequest, context: RunContext): Promise<ProofReport> {
  const engineChoice = request.engine ?? 'auto'
  await using original = await openImage(request.original)
  await using baked = await openImage(request.baked)
  await using spareThread = prepareEngine(engineChoice)
  await using scratch = await openWorkspace(request.tmpDir ?? tmpdir())
  const verified = await verifyOrigin(original, context)
  await using originalHash = new FileHash({ withSha512: wantsSha512(verified.expected) }, context)
  await using bakedHash = new FileHash({ withSha512: false }, quietly(context))
  const digest = new InputDigest(verified, originalHash, context)
  const bakedDigests = bakedHash.whole(baked.handle.fd, baked.device.size)
  bakedDigests.catch(() => undefined)

  return await preferringMismatch(verified, digest, async () => {
    const trust = { vouchedFor: isVouchedFor(verified.verification), settled: () => digest.settled() }
    const pair = await decodePair(original, baked, trust, context)
    await using before = await ofImage(original.name, () => openDisk({ device: pair.original, notes: {} }))
    const located = await ofImage(original.name, () => locateOem(before))
    const { range, slot: number } = located.oem.partition
    context.report({ kind: 'phase', phase: 'compare' })
    // A raw disk is its own file, so this is where the files may begin to differ; of a qcow2 file all is looked at.
    const matched = await pair.match(before.format === 'raw' ? range.offset : 0)
    await using after = await ofImage(baked.name, () => openBaked(matched.device))

    const isComparable = before.sectors.size === after.sectors.size
    const disks = { original: before, baked: after, same: matched.same }
    const outside = isComparable ? new Differences(located.gpt) : undefined
    const inside = isComparable ? new Differences(located.gpt) : undefined
    if (outside !== undefined && inside !== undefined) {
      const rest = [extent(0, range.offset), extent(extentEnd(range), before.sectors.size - extentEnd(range))]
      await compareDisks(disks, rest, (sectors) => outside.add(sectors), context)
      await compareDisks(disks, [range], (sectors) => inside.add(sectors), context)
    }
    const reason = whyNot(before, after, outside?.report())
    const engineContext = { ...context, workDirectory: scratch.directory, spareThread }
    const contents =
      reason === undefined
        ? await compareOem(
            { name: original.name, located },
            { name: baked.name, located: await ofImage(baked.name, () => locateOem(after)) },
            inside?.sectors === 0,
            engineChoice,
            engineContext,
          )
        : undefined

    const [{ sha256 }, { sha256: bakedSha256 }] = await Promise.all([digest.settled(), bakedDigests])
    await Promise.all([original.assertUnchanged(), baked.assertUnchanged()])
    return {
      holds: reason === undefined,
      reason,
      original: {
        path: original.path,
        sizeBytes: original.device.size,
        sha256,
        compression: pair.compression.original,
        format: before.format,
        diskBytes: before.sectors.size,
      },
      baked: {
        path: baked.path,
        sizeBytes: baked.device.size,
        sha256: bakedSha256,
        compression: pair.compression.baked,
        format: after.format,
        diskBytes: after.sectors.size,
      },
      verification: verified.verification,
      comparison: { by: pair.by, everyBlockChecked: matched.everyBlock },
      oemPartition: {
        number,
        firstSector: range.offset / SECTOR_BYTES,
        sectors: range.length / SECTOR_BYTES,
        differingSectors: inside?.sectors,
        filesystem: contents?.filesystem,
      },
      outside: outside?.report(),
      files: contents?.files,
      engine: contents?.engine,
    }
  })
}

/** Whatever goes wrong with an original that is not the one that was published, that it is not is the reason. */
async function preferringMismatch<T>(
  { expected }: VerifiedImage,
  digest: InputDigest,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (expected.length > 0) await digest.settled()
    throw error
  }
}

/**
 * Whether somebody has put a name to the original's bytes. A digest file has no name to it: who made both files could have
 * made that, too.
 */
function isVouchedFor(_verification: Verification): boolean {
  return false
}

/** The second hash is quicker than the rest of the run; two counters would only jump to and fro. */
function quietly(context: RunContext): RunContext {
  return { ...context, report: () => undefined }
}

/** The disk of the baked image: a partition table that can't be read is a difference, found like any other. */
async function openBaked(device: ByteDevice): Promise<VirtualDisk> {
  const kind = device.size === 0 ? 'unknown' : await sniff(device)
  const isBroken = kind === 'unknown' || kind === 'web page or text' || kind === 'disk with an MBR'
  return isBroken && device.size % SECTOR_BYTES === 0 ? rawDisk(device) : openDisk({ device, notes: {} })
}

function whyNot(before: VirtualDisk, after: VirtualDisk, outside: OutsideReport | undefined): string | undefined {
  if (outside === undefined)
    return `the disks have ${before.sectors.size} and ${after.sectors.size} bytes (${formatBytes(before.sectors.size)} and ${formatBytes(after.sectors.size)}), expected the same`
  if (outside.identical) return undefined
  const { differingSectors: count, first } = outside
  const where = `the first is ${first[0]?.firstSector}, in ${first[0]?.place}`
  return `${count} ${count === 1 ? 'sector differs' : 'sectors differ'} outside the OEM partition; ${where}`
}

interface Side {
  readonly name: string
  readonly located: LocatedOem
}

async function compareOem(
  before: Side,
  after: Side,
  areIdentical: boolean,
  choice: EngineChoice,
  context: EngineContext,
) {
  const filesystem = { before: describe(before.located), after: describe(after.located) }
  if (areIdentical) return { filesystem, files: [], engine: undefined }
  context.report({ kind: 'phase', phase: 'read-oem' })
  const old = await readSide(before, choice, context)
  // The spare thread is one, and has been used.
  const now = await readSide(after, choice, { ...context, spareThread: undefined })
  return {
    filesystem,
    files: changedPaths(old.tree, now.tree),
    engine: { original: old.engine, baked: now.engine },
  }
}

function readSide({ located, name }: Side, choice: EngineChoice, context: EngineContext) {
  return ofImage(name, () =>
    withMountedOem(located, choice, false, context, async ({ engine, oem }) => {
      const tree: ProvedTree = await readTree(oem, context.signal)
      return { engine, tree }
    }),
  )
}

function describe({ oem }: LocatedOem): ProvedFilesystem {
  const { filesystem } = oem
  return { kind: filesystemName(filesystem), uuid: filesystem.uuid, label: filesystem.label }
}
