/**
 * The check that makes "nothing else changed" more than an intention.
 */
import { PostCheckError } from '../errors.js'
import { extentEnd } from '../units.js'
import type { LocatedOem } from './locate-oem.js'

/**
 * Every changed byte of the virtual disk lies inside the OEM partition.
 *
 * @throws ERR_CHECK_OUTSIDE with the first range that does not
 */
export async function assertOnlyOemChanged({ disk, oem }: LocatedOem): Promise<void> {
  const { range } = oem.partition
  const stray = (await disk.sectors.changedExtents()).find(
    (changed) => changed.offset < range.offset || extentEnd(changed) > extentEnd(range),
  )
  if (stray === undefined) return
  throw new PostCheckError(
    'ERR_CHECK_OUTSIDE',
    `bytes ${stray.offset} to ${extentEnd(stray)} of the disk changed, outside the OEM partition (${range.offset} to ${extentEnd(range)})`,
    {
      hint: 'this is a defect of oem-bake; nothing was published. Please report it',
    },
  )
}
