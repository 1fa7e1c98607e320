/**
 * What changed on the OEM partition: its filesystem, and its files by their digests.
 */
import { filesystemName } from '../disk/filesystem/probe.js'
import type { LocatedOem } from '../disk/locate-oem.js'
import type { EngineContext, EngineName } from '../engine/engine.js'
import { withMountedOem } from '../engine/mount.js'
import type { EngineChoice } from '../request.js'
import { changedPaths, type ProvedTree, readTree } from './compare-trees.js'
import { ofImage } from './naming.js'
import type { OemPartitionReport, ProofReport, ProvedFilesystem } from './proof.js'

/** The OEM partition of one of the images. */
export interface Side {
  readonly name: string
  readonly located: LocatedOem
}

export type OemChanges = Pick<OemPartitionReport, 'filesystem'> & Pick<ProofReport, 'files' | 'engine'>

/**
 * @param areSame both partitions hold the same bytes: no file has to be read
 * @throws what the engines throw, with the image's name
 */
export async function compareOem(
  before: Side,
  after: Side,
  areSame: boolean,
  choice: EngineChoice,
  context: EngineContext,
): Promise<OemChanges> {
  const filesystem = { before: describe(before), after: describe(after) }
  if (areSame) return { filesystem, files: [], engine: undefined }
  context.report({ kind: 'phase', phase: 'read-oem' })
  // One after the other: two btrfs of the same UUID can't be open in one appliance.
  const old = await readSide(before, choice, context)
  const now = await readSide(after, choice, { ...context, spareThread: undefined })
  const engine = { original: old.engine, baked: now.engine }
  return { filesystem, files: changedPaths(old.tree, now.tree), engine }
}

function readSide(
  { located, name }: Side,
  choice: EngineChoice,
  context: EngineContext,
): Promise<{ readonly engine: EngineName; readonly tree: ProvedTree }> {
  return ofImage(name, () =>
    withMountedOem(located, choice, false, context, async ({ engine, oem }) => ({
      engine,
      tree: await readTree(oem, context.signal),
    })),
  )
}

function describe({ located: { oem } }: Side): ProvedFilesystem {
  const { filesystem } = oem
  return { kind: filesystemName(filesystem), uuid: filesystem.uuid, label: filesystem.label }
}
