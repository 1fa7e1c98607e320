/**
 * Everything that is to be said of a plan: each check of the files, the release and the tree as it will be, in the order in
 * which a person wants to read it.
 *
 * What would keep a machine from booting, or do nothing although it was asked for, is an error. What was on the partition
 * before and stays is only warned about: it is not this bake's doing. Errors are all found before one is told (`judge.ts`).
 */
import type { OemContent } from '../content.js'
import type { ContentFile } from '../content-file.js'
import { describeOem, type OemState, textOf } from '../describe.js'
import { type Finding, ofKeptFile } from '../finding.js'
import { checkGrubForRelease } from '../grub/check-for-release.js'
import { isWithin } from '../oem-path.js'
import { checkIdsAgree, checkVendorsAgree } from '../oem-release/check-ids.js'
import { looseOemReleaseId } from '../oem-release/oem-release.js'
import { readOemRelease } from '../oem-release/read-oem-release.js'
import { GRUB_CFG_PATH, OEM_RELEASE_PATH } from '../release/eras.js'
import type { ImageRelease } from '../release/release.js'
import { releaseToRenderFor } from '../release/release-scope.js'
import { checkCloudConfig, checkKeptCloudConfig } from './check-cloud-config.js'
import { checkEffect, checkKept } from './check-effect.js'
import { checkIgnition, checkKeptIgnition } from './check-ignition.js'
import {
  checkFilesystem,
  checkOemId,
  checkRelease,
  checkTemplateFits,
  checkVariables,
  noteTemplate,
} from './check-release.js'
import type { ExistingDecision } from './existing-files.js'
import { checkIdentity } from './identity.js'
import { checkNames } from './misplaced.js'
import type { PlannedSpace } from './plan-space.js'
import { checkPrograms } from './programs.js'
import { TREE_RULES } from './rules.js'
import { checkInsecureKey, checkSecrets } from './secrets.js'
import type { ExpectedEntry } from './tree-edits.js'
import { treeFiles } from './tree-file.js'
import { foreseeUpdates } from './updates.js'

/** What is planned, as far as it is known before it is checked. */
export interface PlanFacts {
  readonly content: OemContent
  /** The partition as it is. */
  readonly state: OemState
  readonly release: ImageRelease
  /** That will be written, on this release. */
  readonly files: readonly ContentFile[]
  readonly decision: ExistingDecision
  /** The whole tree afterwards. */
  readonly expected: readonly ExpectedEntry[]
  /** What grub.cfg will set. */
  readonly oemId: string | undefined
  /** The partition becomes somebody else's edition. */
  readonly newIdentity: boolean
  readonly space: PlannedSpace
  /** Paths that are there and go. */
  readonly removed: ReadonlySet<string>
}

export function checkPlan(facts: PlanFacts): readonly Finding[] {
  const { content, decision, expected, files, newIdentity, oemId, release, state } = facts
  const grub = files.find((file) => file.path === GRUB_CFG_PATH)
  const idOrigin = content.requestedOemId === undefined ? grub?.origin : '--oem-id'
  const written = new Map(files.map((file) => [file.path, file]))
  const writtenPaths = new Set(written.keys())
  const everyPath = new Set(expected.map((entry) => entry.path))
  const filePaths = new Set(expected.filter((entry) => entry.kind !== 'directory').map((entry) => entry.path))
  const keptRelease =
    written.has(OEM_RELEASE_PATH) || decision.removed.has(OEM_RELEASE_PATH)
      ? undefined
      : textOf(state, OEM_RELEASE_PATH)
  const releaseId = releaseIdAfter(written.get(OEM_RELEASE_PATH), keptRelease)
  const after = treeFiles(expected, written, state.contents)
  const identity = { oemId, writesGrub: grub !== undefined, cloudConfigId: cloudConfigIdOf(files) }
  return [
    ...checkRelease(release),
    ...checkOemId(oemId, release, idOrigin, content.oemIdUnchecked),
    ...checkTemplateFits(content.template, release),
    ...noteTemplate(content.template, releaseToRenderFor(release)),
    ...files.flatMap((file) => [
      ...checkEffect(file, release),
      ...checkIgnition(file, release, filePaths),
      ...checkCloudConfig(file, release),
      ...checkGrubCfg(file, release),
      ...file.findings,
    ]),
    ...content.findings,
    ...checkIdsAgree(files, releaseId),
    ...checkVendorsAgree(files, releaseId, oemId),
    ...checkIdentity(identity, after, release),
    ...checkNames(after),
    ...checkPrograms(after),
    ...checkSecrets(after),
    ...checkInsecureKey(after, oemId),
    ...checkKeptOemRelease(keptRelease),
    ...(release.kind === 'known' ? checkVariables(content.givenVariables, writtenPaths, release) : []),
    ...noteRemovals(facts),
    ...checkKept(decision.kept, release, newIdentity),
    ...checkKeptIgnition(state, release, everyPath, writtenPaths),
    ...checkKeptCloudConfig(state, release, everyPath, writtenPaths),
    ...checkFilesystem(state.filesystem, release),
    ...checkUpdates(facts, releaseId),
  ]
}

function checkGrubCfg(file: ContentFile, release: ImageRelease): readonly Finding[] {
  return file.role.kind === 'grub-cfg' ? checkGrubForRelease(file.role.grub, file.source, release) : []
}

/** An oem-release that stays and that its readers stumble over. */
function checkKeptOemRelease(text: string | undefined): readonly Finding[] {
  return text === undefined ? [] : readOemRelease(text, OEM_RELEASE_PATH).findings.map(ofKeptFile)
}

function checkUpdates({ content, expected, files, release, space, state }: PlanFacts, releaseId: string | undefined) {
  if (release.kind === 'unknown') return []
  return foreseeUpdates({
    release,
    idBefore: describeOem(state).oemReleaseId,
    idAfter: releaseId,
    pathsAfter: expected.filter((entry) => entry.kind !== 'directory').map((entry) => entry.path),
    sizesAfter: new Map(expected.map(({ path, sizeBytes }) => [path, sizeBytes])),
    space,
    written: files.map((file) => ({
      path: file.path,
      fromTemplate: content.template !== undefined && file.origin.startsWith('template '),
      isReadOnce: isReadOnce(file.path, files),
    })),
  })
}

/** ID of oem-release as it will be. */
function releaseIdAfter(written: ContentFile | undefined, kept: string | undefined): string | undefined {
  if (written?.role.kind === 'oem-release') return written.role.id
  return kept === undefined ? undefined : looseOemReleaseId(kept)
}

/** Ignition's: its configs, and what they copy from the partition on the first boot. */
function isReadOnce(path: string, files: readonly ContentFile[]): boolean {
  return (
    isWithin(path, '/base') ||
    files.some(({ role }) => role.kind === 'ignition' && role.config?.oemPaths.includes(path) === true)
  )
}

function cloudConfigIdOf(files: readonly ContentFile[]): string | undefined {
  return files.flatMap(({ role }) => (role.kind === 'cloud-config' ? [role.oemId] : []))[0]
}

function noteRemovals({ content, decision, removed, state }: PlanFacts): readonly Finding[] {
  const findings: Finding[] = []
  const vendors = new Set([...decision.removed.values()].filter((reason) => reason.startsWith('vendor set ')))
  for (const vendor of vendors) {
    const count = state.entries.filter(
      ({ kind, path }) => kind !== 'directory' && removed.has(path) && decision.removed.get(path) === vendor,
    ).length
    if (count === 0) continue
    findings.push(
      TREE_RULES.found(
        'vendor-set-replaced',
        `the files of ${vendor} are replaced as a whole: ${count} of them ${count === 1 ? 'is' : 'are'} removed`,
      ),
    )
  }
  for (const path of content.remove) {
    if (state.entries.some((entry) => isWithin(entry.path, path))) continue
    findings.push(
      TREE_RULES.found('remove-absent', `there is no ${path} on the OEM partition to remove`, {
        hint: 'oem-bake inspect IMAGE lists what is there',
      }),
    )
  }
  return findings
}
