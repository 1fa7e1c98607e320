/**
 * What `prove` says: one value, the same for the library and for `--json`.
 */
import type { EngineName, OemEntry } from '../engine/engine.js'
import type { Verification } from '../trust/verification.js'

/** One of the two images. */
export interface ProvedImage {
  readonly path: string
  readonly sizeBytes: number
  /** Of the file, lower-case hex: what the proof is about. */
  readonly sha256: string
  readonly compression: 'none' | 'bzip2'
  readonly format: 'raw' | 'qcow2'
  readonly diskBytes: number
}

/** Sectors that differ and lie behind each other, in one place of the original's partition table. */
export interface DifferingRange {
  readonly firstSector: number
  readonly sectors: number
  /** `partition 3 (USR-A)`, `partition table`, `backup partition table`, `no partition`. */
  readonly place: string
}

/** What is known of all sectors outside the OEM partition; partition tables are among them. */
export interface OutsideReport {
  readonly identical: boolean
  readonly differingSectors: number
  readonly differingRanges: number
  /** The first few ranges. */
  readonly first: readonly DifferingRange[]
}

/**
 * How the two were compared.
 *
 * `blocks`: two bzip2 files, of which only the blocks that differ were decoded in both. `bytes`: all of both disks was
 * decoded and compared, but for what neither has.
 */
export interface ComparisonReport {
  readonly by: 'blocks' | 'bytes'
  /** Every bzip2 block of both was decoded and its CRC checked; true where nothing is compressed. */
  readonly everyBlockChecked: boolean
}

/** What a file, directory or link is. */
export interface ProvedEntry extends Omit<OemEntry, 'path'> {
  /** Of a file's content, lower-case hex. */
  readonly sha256?: string
}

/** A path of the OEM partition that is not in both images the same: content, kind, mode, owner or target. */
export type ChangedPath =
  | { readonly path: string; readonly change: 'added'; readonly after: ProvedEntry }
  | { readonly path: string; readonly change: 'removed'; readonly before: ProvedEntry }
  | { readonly path: string; readonly change: 'changed'; readonly before: ProvedEntry; readonly after: ProvedEntry }

/** The OEM partition of either image. */
export interface ProvedFilesystem {
  readonly kind: string
  readonly uuid: string
  readonly label: string
}

export interface OemPartitionReport {
  readonly number: number
  readonly firstSector: number
  readonly sectors: number
  /** Sectors of it that differ; undefined when nothing was compared. */
  readonly differingSectors: number | undefined
  /** What the two filesystems are; undefined unless the proof holds. */
  readonly filesystem: { readonly before: ProvedFilesystem; readonly after: ProvedFilesystem } | undefined
}

export interface ProofReport {
  /** Nothing but the OEM partition differs. */
  readonly holds: boolean
  /** Why it does not hold, a sentence; undefined when it does. */
  readonly reason: string | undefined
  readonly original: ProvedImage
  readonly baked: ProvedImage
  /** Who vouches for the original. */
  readonly verification: Verification
  readonly comparison: ComparisonReport
  readonly oemPartition: OemPartitionReport
  /** Undefined when the disks are not of the same size: no sector was compared. */
  readonly outside: OutsideReport | undefined
  /** By path; undefined unless the proof holds. Empty when the OEM partitions are the same byte for byte. */
  readonly files: readonly ChangedPath[] | undefined
  /** What read the files; undefined where none had to be read. */
  readonly engine: { readonly original: EngineName; readonly baked: EngineName } | undefined
}
