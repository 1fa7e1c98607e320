/**
 * The check that makes "nothing else changed" more than an intention.
 */
import { PostCheckError } from '../errors.js'
import { type Extent, extent, extentEnd } from '../units.js'
import type { LocatedOem } from './locate-oem.js'

/**
 * Every changed byte of the virtual disk lies inside the OEM partition.
 *
 * @throws ERR_CHECK_OUTSIDE with the first range that does not
 */
export async function assertOnlyOemChanged({ disk, oem }: LocatedOem): Promise<void> {
  const { range } = oem.partition
  for (const changed of await disk.sectors.changedExtents()) {
    for (const outside of [partBetween(changed, 0, range.offset), partBetween(changed, extentEnd(range), Infinity)]) {
      // Changes are known by the page: one that the partition shares with its neighbour needs a closer look.
      if (outside === undefined || !(await disk.sectors.differs(outside))) continue
      throw new PostCheckError(
        'ERR_CHECK_OUTSIDE',
        `bytes ${outside.offset} to ${extentEnd(outside)} of the disk changed, outside the OEM partition (${range.offset} to ${extentEnd(range)})`,
        {
          hint: 'this is a defect of oem-bake; nothing was published. Please report it',
        },
      )
    }
  }
}

/** What of a range lies from `from` up to `to`; undefined when nothing does. */
function partBetween(range: Extent, from: number, to: number): Extent | undefined {
  const start = Math.max(range.offset, from)
  const end = Math.min(extentEnd(range), to)
  return start < end ? extent(start, end - start) : undefined
}
