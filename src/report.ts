/**
 * What a run gives back: plain data, the same for the library and for `--json`.
 */
import type { BootedReport } from './booted/booted.js'
import type { CodecDescription } from './codec/codec.js'
import type { MbrKind } from './disk/mbr.js'
import type { EngineName, OemEntry, OemSpace } from './engine/engine.js'
import type { OemBakeError } from './errors.js'
import type { BootExplanation } from './oem/explain/explanation.js'
import type { BakedBy } from './oem/history/baked-by.js'
import type { OemDescription, Plan } from './oem/plan/plan.js'
import type { ImageRelease } from './oem/release/release.js'
import type { SideFile } from './publish/side-files.js'
import type { Verification } from './trust/verification.js'

export interface PartitionReport {
  readonly number: number
  readonly label: string
  /** `efi`, `usr`, `data`…, or the type GUID. */
  readonly type: string
  readonly partitionGuid: string
  readonly firstSector: number
  readonly sectors: number
}

export interface ImageReport {
  readonly path: string
  readonly sizeBytes: number
  readonly verification: Verification
  readonly codec: CodecDescription
  readonly format: 'raw' | 'qcow2'
  readonly diskBytes: number
  readonly diskGuid: string
  /** The disk GUID still says that the first boot is to come. */
  readonly firstBootPending: boolean
  /** Whether a machine has run from it, by every sign. */
  readonly booted: BootedReport
  readonly mbr: MbrKind
  readonly partitions: readonly PartitionReport[]
  readonly oemPartition: {
    readonly number: number
    readonly filesystem: string
    readonly uuid: string
    readonly sizeBytes: number
  }
}

export interface InspectReport {
  readonly image: ImageReport
  readonly release: ImageRelease
  readonly engine: EngineName
  readonly oem: OemDescription
  readonly space: OemSpace
  readonly entries: readonly OemEntry[]
}

export interface PlanReport {
  readonly image: ImageReport
  readonly release: ImageRelease
  readonly engine: EngineName
  readonly plan: Plan
}

export interface ExplainReport {
  readonly image: ImageReport
  readonly release: ImageRelease
  readonly engine: EngineName
  readonly boot: BootExplanation
  /** What an earlier bake left on the image; undefined where nobody baked. */
  readonly bakedBy: BakedBy | undefined
  /** The bake whose result is explained; undefined when the image is explained as it is. */
  readonly plan: Plan | undefined
}

export interface BakeReport extends PlanReport {
  readonly output: {
    readonly path: string
    /** Of the file as published, lower-case hex. */
    readonly sha256: string
    /** The same, when something asked for it. */
    readonly sha512?: string
    /** The outside program that encoded it, if one did. */
    readonly encoder: string | undefined
    /** What was published beside it. */
    readonly files: readonly SideFile[]
    /** What was taken away because it was about the image that was there before. */
    readonly removed: readonly string[]
  }
}

/** What became of one of several. */
export type Outcome =
  | { readonly report: BakeReport }
  /** Path of an output that is there already, and was to be kept. */
  | { readonly kept: string }
  | { readonly error: OemBakeError }

/** With the name of its template. */
export type EditionOutcome = { readonly template: string } & Outcome

/** A template that `all` means, and that no edition was made of. */
export interface SkippedTemplate {
  readonly template: string
  readonly reason: string
}

export interface EditionsReport {
  /** In the order in which they were asked for. */
  readonly editions: readonly EditionOutcome[]
  /** Only of `all`. */
  readonly skipped: readonly SkippedTemplate[]
}

/** What became of an edition that a job asks for; a job that could not begin has one outcome, without a template perhaps. */
export type JobOutcome = { readonly job: string; readonly template: string | undefined } & Outcome

export interface BatchReport {
  /** In the order of the jobs. */
  readonly outcomes: readonly JobOutcome[]
  readonly skipped: readonly (SkippedTemplate & { readonly job: string })[]
}
