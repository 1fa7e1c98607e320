/**
 * Every sector of both disks: those of the OEM partition are counted, all others must be the same.
 */
import type { ByteDevice } from '../byte-device.js'
import { compareDisks, type DiskPair } from '../disk/compare-disks.js'
import { openDisk, rawDisk, type VirtualDisk } from '../disk/disk.js'
import type { LocatedOem } from '../disk/locate-oem.js'
import type { RunContext } from '../progress.js'
import { sniff } from '../source/sniff.js'
import { extent, extentEnd, formatBytes, SECTOR_BYTES } from '../units.js'
import { Differences } from './differences.js'
import type { OutsideReport } from './proof.js'

export interface SectorComparison {
  /** Undefined for disks of different sizes. */
  readonly outside: OutsideReport | undefined
  /** Sectors of the OEM partition that differ; undefined for disks of different sizes. */
  readonly changedInside: number | undefined
  /** Why the proof does not hold; undefined when it does. */
  readonly reason: string | undefined
}

/**
 * The disk of the baked image. A partition table that can't be read is a difference like any other, found where it is.
 *
 * @throws what `openDisk` throws
 */
export async function openBaked(device: ByteDevice, limitBytes: number): Promise<VirtualDisk> {
  const kind = device.size === 0 ? 'unknown' : await sniff(device)
  const isBroken = kind === 'unknown' || kind === 'disk with an MBR'
  return isBroken && device.size > 0 && device.size % SECTOR_BYTES === 0
    ? rawDisk(device)
    : openDisk({ device, notes: {} }, limitBytes)
}

/** @param located on the original's disk */
export async function compareSectors(
  pair: DiskPair,
  { gpt, oem }: LocatedOem,
  context: RunContext,
): Promise<SectorComparison> {
  const [{ size }, { size: bakedSize }] = [pair.original.sectors, pair.baked.sectors]
  if (size !== bakedSize) {
    const reason = `the disks have ${size} and ${bakedSize} bytes (${formatBytes(size)} and ${formatBytes(bakedSize)}), expected the same`
    return { outside: undefined, changedInside: undefined, reason }
  }
  const { range } = oem.partition
  const [outside, inside] = [new Differences(gpt), new Differences(gpt)]
  const end = extentEnd(range)
  await compareDisks(pair, extent(0, range.offset), (sectors) => outside.add(sectors), context)
  await compareDisks(pair, range, (sectors) => inside.add(sectors), context)
  await compareDisks(pair, extent(end, size - end), (sectors) => outside.add(sectors), context)
  const report = outside.report()
  return { outside: report, changedInside: inside.sectors, reason: whyNot(report) }
}

function whyNot({ differingSectors: count, first: [first], identical }: OutsideReport): string | undefined {
  if (identical) return undefined
  const differ = count === 1 ? 'sector differs' : 'sectors differ'
  return `${count} ${differ} outside the OEM partition; the first is ${first?.firstSector}, in ${first?.place}`
}
