/**
 * Says whose edition an OEM partition is, from the few files that tell.
 */

import type { Filesystem } from '../disk/filesystem/probe.js'
import type { OemEntry, OemSpace } from '../engine/engine.js'
import { readCloudConfig } from './cloud-config/read-units.js'
import { parseGrubCfg } from './grub/grub-cfg.js'
import { type BakedBy, bakedBy } from './history/baked-by.js'
import type { ParsedHistory } from './history/parse-history.js'
import { looseOemReleaseId, type OemRelease } from './oem-release/oem-release.js'
import { readOemRelease } from './oem-release/read-oem-release.js'
import { CLOUD_CONFIG_PATH, GRUB_CFG_PATH, OEM_RELEASE_PATH } from './release/eras.js'
import { belongsToSet, type OemIdentity, VENDOR_SETS, type VendorSet, vendorSetOf } from './vendor-sets.js'

/** What the planner knows of an OEM partition. */
export interface OemState {
  readonly entries: readonly OemEntry[]
  /** Of the paths that {@link pathsWorthReading} named. */
  readonly contents: ReadonlyMap<string, Buffer>
  readonly space: OemSpace
  readonly filesystem: Filesystem
  /** SHA-256 of files that were hashed where they are: those that an earlier bake wrote, and those that this one displaces. */
  readonly digests?: ReadonlyMap<string, string>
  /** What the history on the partition says; undefined where there is none. */
  readonly history?: ParsedHistory
  /** Whose files these are, where that is known without looking into them. */
  readonly vendorSet?: { readonly name: string | undefined }
}

export interface OemDescription {
  /** The Ignition platform that grub.cfg sets. */
  readonly oemId: string | undefined
  /** Whose package the files come from, when it is a known one. */
  readonly vendorSet: string | undefined
  /** Undefined when there is none, or none that every reader understands. */
  readonly oemRelease: OemRelease | undefined
  /** ID of oem-release as Flatcar's updater reads it, even from a file that others choke on. */
  readonly oemReleaseId: string | undefined
  /** Who baked the image before; undefined where nobody did. */
  readonly bakedBy: BakedBy | undefined
}

export function describeOem(state: OemState): OemDescription {
  const identity = identityOf(state)
  const release = textOf(state, OEM_RELEASE_PATH)
  return {
    oemId: identity.oemId,
    vendorSet: findVendorSet(state)?.name,
    oemRelease: release === undefined ? undefined : readOemRelease(release, OEM_RELEASE_PATH).release,
    oemReleaseId: identity.releaseId,
    bakedBy: bakedBy(state),
  }
}

/** The vendor set that the partition's ids name, if any of its files is there. */
export function findVendorSet(state: OemState): VendorSet | undefined {
  const { vendorSet } = state
  if (vendorSet !== undefined) return VENDOR_SETS.find(({ name }) => name === vendorSet.name)
  const found = vendorSetOf(identityOf(state))
  if (found === undefined) return undefined
  return state.entries.some((entry) => entry.kind !== 'directory' && belongsToSet(entry.path, found))
    ? found
    : undefined
}

/** A small file's text, if it is there and was read. */
export function textOf(state: OemState, path: string): string | undefined {
  return state.contents.get(path)?.toString('utf8')
}

function identityOf(state: OemState): OemIdentity {
  const grub = textOf(state, GRUB_CFG_PATH)
  const release = textOf(state, OEM_RELEASE_PATH)
  const cloudConfig = state.contents.get(CLOUD_CONFIG_PATH)
  return {
    oemId: grub === undefined ? undefined : parseGrubCfg(grub).oemId,
    releaseId: release === undefined ? undefined : looseOemReleaseId(release),
    cloudConfigId: cloudConfig === undefined ? undefined : readCloudConfig(cloudConfig)?.oemId,
  }
}
