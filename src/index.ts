/**
 * The library: the same verbs, requests and reports as the command line.
 *
 *     import { bake } from 'oem-bake'
 *     const report = await bake({ image: 'image.img.bz2', template: 'rackspace' }, { signal, onProgress: console.error })
 */
import {
  assertBake,
  assertBatch,
  assertEditions,
  assertExplain,
  assertInspect,
  assertPlan,
  assertProve,
  assertUnbake,
  assertVerify,
} from './assert-request.js'
import * as pipeline from './bake.js'
import type { FetchReport, FetchRequest } from './fetch/fetch.js'
import * as look from './look.js'
import { listTemplates, type TemplateList } from './oem/template/template.js'
import type { ProgressEvent, RunContext } from './progress.js'
import type { ProofReport } from './prove/proof.js'
import { prove as proveImages } from './prove/prove.js'
import type { BakeReport, BatchReport, EditionsReport, ExplainReport, InspectReport, PlanReport } from './report.js'
import type {
  BakeRequest,
  BatchRequest,
  EditionsRequest,
  ExplainRequest,
  ImageRequest,
  PlanRequest,
  ProveRequest,
  UnbakeRequest,
  VerifyRequest,
} from './request.js'
import { reportKeys } from './trust/examine-keys.js'
import type { KeysReport } from './trust/key-report.js'
import { type VerifyReport, verifyFile } from './trust/verify-file.js'

export interface RunOptions {
  /** Aborting it stops children, removes what is temporary, and rejects with `ERR_CANCELLED`. */
  readonly signal?: AbortSignal
  /** Phases, counters, warnings and notes, as they happen. */
  readonly onProgress?: (event: ProgressEvent) => void
  /** Where PATH, SOURCE_DATE_EPOCH and the LIBGUESTFS variables are looked up. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

function contextFrom(options: RunOptions): RunContext {
  return {
    signal: options.signal ?? new AbortController().signal,
    report: options.onProgress ?? (() => undefined),
    env: options.env ?? process.env,
  }
}

/** Bakes an edition of an image and publishes it. @throws {@link OemBakeError} */
export async function bake(request: BakeRequest, options: RunOptions = {}): Promise<BakeReport> {
  assertBake(request)
  return pipeline.bake(request, contextFrom(options))
}

/**
 * Bakes several editions of one image, which is read, verified and decoded once. One that fails leaves the others.
 *
 * @throws {@link OemBakeError} when something is wrong with the request or the image, and nothing was published
 */
export async function bakeEditions(request: EditionsRequest, options: RunOptions = {}): Promise<EditionsReport> {
  assertEditions(request)
  const editions = await import('./editions.js')
  return editions.bakeEditions(request, contextFrom(options))
}

/**
 * Bakes many jobs, some of them at a time. One that fails is told in the report and leaves the others.
 *
 * @throws {@link OemBakeError} when the jobs can't be told apart
 */
export async function bakeBatch(request: BatchRequest, options: RunOptions = {}): Promise<BatchReport> {
  assertBatch(request)
  const batch = await import('./batch/batch.js')
  return batch.bakeBatch(request, contextFrom(options))
}

/** Says exactly what a bake would change, and changes nothing. @throws {@link OemBakeError} */
export async function plan(request: PlanRequest, options: RunOptions = {}): Promise<PlanReport> {
  assertPlan(request)
  return look.plan(request, contextFrom(options))
}

/** Takes all bakes back and publishes the image as it was on the original. @throws {@link OemBakeError} */
export async function unbake(request: UnbakeRequest, options: RunOptions = {}): Promise<BakeReport> {
  assertUnbake(request)
  return pipeline.unbake(request, contextFrom(options))
}

/** Says exactly what {@link unbake} would change, and changes nothing. @throws {@link OemBakeError} */
export async function planOfUnbake(request: UnbakeRequest, options: RunOptions = {}): Promise<PlanReport> {
  assertUnbake(request)
  return look.planOfUnbake(request, contextFrom(options))
}

/** Says what an image is and what its OEM partition holds. @throws {@link OemBakeError} */
export async function inspect(request: ImageRequest, options: RunOptions = {}): Promise<InspectReport> {
  assertInspect(request)
  return look.inspect(request, contextFrom(options))
}

/** Says what a machine will do at boot: with the image as it is, or after a bake. @throws {@link OemBakeError} */
export async function explain(request: ExplainRequest, options: RunOptions = {}): Promise<ExplainReport> {
  assertExplain(request)
  return look.explain(request, contextFrom(options))
}

/** Downloads an image of a release; it has its name only when it is verified. @throws {@link OemBakeError} */
export async function fetch(request: FetchRequest, options: RunOptions = {}): Promise<FetchReport> {
  const { fetchImage } = await import('./fetch/fetch.js')
  return fetchImage(request, contextFrom(options))
}

/** Says who vouches for a file. @throws {@link OemBakeError} when a signature or a digest that is there is bad */
export async function verify(request: VerifyRequest, options: RunOptions = {}): Promise<VerifyReport> {
  assertVerify(request)
  return verifyFile(request, contextFrom(options))
}

/**
 * The keys that signatures are checked with, and what is wrong with them.
 *
 * @param named paths of files with keys, beside those of the keyrings
 */
export function keys(named: readonly string[] = [], options: Pick<RunOptions, 'env'> = {}): Promise<KeysReport> {
  return reportKeys(named, { env: options.env ?? process.env })
}

/**
 * Says whether nothing but the OEM partition differs between two images, and which of its files do.
 *
 * @returns a report with `holds: false` when something else differs
 * @throws {@link OemBakeError} when one of the images can't be read, or the original is not what its digest says
 */
export async function prove(request: ProveRequest, options: RunOptions = {}): Promise<ProofReport> {
  assertProve(request)
  return proveImages(request, contextFrom(options))
}

/** Every template that a request can name, those in the directories of OEM_BAKE_TEMPLATES too. */
export function templates(options: Pick<RunOptions, 'env'> = {}): Promise<TemplateList> {
  return listTemplates(options.env ?? process.env)
}

export { type ErrorCode, OemBakeError } from './errors.js'
export type { FetchReport, FetchRequest } from './fetch/fetch.js'
export type { PublishedName } from './fetch/publisher.js'
export type {
  BootExplanation,
  KernelCommandLine,
  PlatformExplanation,
  UserDataBy,
  UserDataExplanation,
} from './oem/explain/explanation.js'
export type { BakedBy } from './oem/history/baked-by.js'
export type { History } from './oem/history/history.js'
export type { ListedTemplate, TemplateList } from './oem/template/template.js'
export type { Phase, ProgressEvent } from './progress.js'
export type {
  ChangedPath,
  ComparisonReport,
  DifferingRange,
  OemPartitionReport,
  OutsideReport,
  ProofReport,
  ProvedEntry,
  ProvedFilesystem,
  ProvedImage,
} from './prove/proof.js'
export type { Manifest } from './publish/manifest.js'
export type { ProvenanceStatement } from './publish/provenance.js'
export type { SideFile, SideFileKind } from './publish/side-files.js'
export type {
  BakeReport,
  BatchReport,
  EditionOutcome,
  EditionsReport,
  ExplainReport,
  ImageReport,
  InspectReport,
  JobOutcome,
  Outcome,
  PartitionReport,
  PlanReport,
  SkippedTemplate,
} from './report.js'
export type {
  BakeRequest,
  BatchJob,
  BatchRequest,
  ContentRequest,
  EditionsRequest,
  EngineChoice,
  ExistingFiles,
  ExplainRequest,
  IgnitionPlace,
  ImageRequest,
  OutputRequest,
  PlanRequest,
  ProveRequest,
  RequestedFile,
  SideFileChoice,
  TrustRequest,
  UnbakeRequest,
  VerifyRequest,
} from './request.js'
export type { KeyFinding, KeyReport, KeyState, KeysReport, SigningKeyReport } from './trust/key-report.js'
export type { Signer, Verification } from './trust/verification.js'
export type { VerifyReport } from './trust/verify-file.js'
