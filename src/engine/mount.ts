/**
 * Chooses the engine for a partition and opens it; the one place that knows both.
 *
 * The choice depends on what is on the partition, not on what is on the machine, so the same image gives the same engine
 * everywhere: embedded where it can serve, else libguestfs.
 */
import { filesystemName } from '../disk/filesystem/probe.js'
import type { LocatedOem, LocatedPartition } from '../disk/locate-oem.js'
import { UnsupportedError } from '../errors.js'
import type { EngineChoice } from '../request.js'
import type { SpareThread } from '../spare-thread.js'
import { withEmbeddedEditor, withEmbeddedReader } from './embedded/engine.js'
import { whyNotServed } from './embedded/serves.js'
import { ENGINE_THREAD } from './embedded/thread.js'
import type { EngineContext, EngineName, FilesystemEditor, FilesystemReader } from './engine.js'

/** The OEM partition, open. */
export interface MountedOem {
  readonly engine: EngineName
  readonly oem: FilesystemEditor
  /**
   * Looks into USR-A, where that can be done without another appliance.
   *
   * @returns undefined when nothing here can read it
   */
  withUsr<T>(use: (usr: FilesystemReader) => Promise<T>): Promise<T | undefined>
}

/** Starts what takes its time to start, while the image is being opened; disposing of it ends what was not needed. */
export function prepareEngine(choice: EngineChoice): SpareThread | undefined {
  if (choice !== 'libguestfs') return ENGINE_THREAD.openSpare()
  void ENGINE_THREAD.endEarly()
  return undefined
}

/** @throws ERR_ENGINE_CANNOT_SERVE when the embedded engine was asked for by name and can't */
export function chooseEngine(choice: EngineChoice, oem: LocatedPartition): EngineName {
  if (choice === 'libguestfs') return 'libguestfs'
  const reason = whyNotServed(oem.filesystem, 'edit', oem.device.size)
  if (reason === undefined) return 'embedded'
  if (choice === 'auto') return 'libguestfs'
  throw new UnsupportedError(
    'ERR_ENGINE_CANNOT_SERVE',
    `the embedded engine can't edit this OEM partition (${filesystemName(oem.filesystem)}): ${reason}`,
    {
      hint: 'use --engine libguestfs',
    },
  )
}

/**
 * Opens the OEM partition for the length of `use`. Edits reach the partition's device when `use` has ended well.
 *
 * @param wantsUsr whether `withUsr` will be asked for: an appliance has to know before it starts
 * @throws ERR_ENGINE_CANNOT_SERVE, and whatever the engine throws
 */
export async function withMountedOem<T>(
  located: LocatedOem,
  choice: EngineChoice,
  wantsUsr: boolean,
  context: EngineContext,
  use: (mounted: MountedOem) => Promise<T>,
): Promise<T> {
  const { oem } = located
  const usr = wantsUsr ? await located.findUsr() : undefined
  const engine = chooseEngine(choice, oem)
  const usrIsEmbedded = usr !== undefined && whyNotServed(usr.filesystem, 'read', usr.device.size) === undefined
  const withEmbeddedUsr: MountedOem['withUsr'] = async (look) =>
    usr !== undefined && usrIsEmbedded ? withEmbeddedReader(usr, context, look) : undefined
  if (engine === 'embedded') {
    return withEmbeddedEditor(oem, context, (editor) => use({ engine, oem: editor, withUsr: withEmbeddedUsr }))
  }
  await context.spareThread?.[Symbol.asyncDispose]()
  // Loaded only here: starting programs costs 80 ms before the first one is started.
  const { withLibguestfs } = await import('./libguestfs/engine.js')
  // One appliance for both partitions: a launch costs seconds.
  const look = usr !== undefined && !usrIsEmbedded ? [usr] : []
  return withLibguestfs({ edit: oem, look }, context, async (mounted) => {
    const [usrReader] = mounted.look
    const { edit } = mounted
    return use({ engine, oem: edit, withUsr: usrReader === undefined ? withEmbeddedUsr : (read) => read(usrReader) })
  })
}
