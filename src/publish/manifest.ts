/**
 * The manifest: what was baked into what, by what, as one JSON document beside the image.
 *
 * `schema/manifest.schema.json` is its published form; the test suite holds every manifest against it, with two validators.
 * The document is the same for the same request, input and programs, byte for byte, but for `times`, which is left out
 * where SOURCE_DATE_EPOCH asks for reproducible output. It has names of files, never the directories of this machine, and
 * no secrets.
 */

import { bootSigns } from '../booted/booted.js'
import type { Sign } from '../booted/traces.js'
import { given } from '../given.js'
import { contentSha256 } from '../oem/content-digest.js'
import type { Finding, Place } from '../oem/finding.js'
import type { PlannedChange } from '../oem/plan/tree-edits.js'
import type { ImageRelease } from '../oem/release/release.js'
import type { ImageReport } from '../report.js'
import type { Digests } from '../source/file-hash.js'
import { ownVersion, PROGRAM } from '../version.js'
import { type DescribedRequest, describeRequest, formatMode } from './described-request.js'
import { type DescribedVerification, describeVerification } from './described-verification.js'
import type { BakeRecord, SignedBy } from './record.js'
import type { Redactor } from './redact.js'
import type { Tool } from './tools.js'

export const SCHEMA_VERSION = 1

/** A file on the OEM partition, on one side of a bake. */
export interface ManifestFile {
  /** Four octal digits. */
  readonly mode: string
  readonly sizeBytes: number
  /** Of regular files. */
  readonly sha256?: string
}

export interface ManifestChange {
  readonly path: string
  readonly kind: PlannedChange['kind']
  readonly action: 'add' | 'replace' | 'remove'
  readonly origin?: string
  readonly before?: ManifestFile
  readonly after?: ManifestFile
}

export interface ManifestFinding {
  readonly rule: string
  readonly severity: Finding['severity']
  readonly message: string
  readonly place?: Place
}

export interface Manifest {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly tool: { readonly name: string; readonly version: string }
  readonly request: DescribedRequest
  readonly input: {
    readonly name: string
    readonly sizeBytes: number
    readonly sha256: string
    readonly sha512?: string
    readonly compression: 'none' | 'bzip2'
    readonly format: ImageReport['format']
    readonly verification: DescribedVerification
    /** Signs that a machine had run from it. */
    readonly booted?: readonly Sign[]
    readonly release: Pick<Extract<ImageRelease, { kind: 'known' }>, 'distro' | 'version' | 'from'> | null
  }
  readonly template: { readonly name: string; readonly title: string } | null
  /** See `contentSha256`. */
  readonly contentSha256: string
  readonly oemId: string | null
  readonly engine: string
  /** How the new file was made: vendor's bytes copied around what is new, or all of it encoded anew. */
  readonly strategy: 'copy' | 'splice' | 'recompress'
  readonly tools: readonly Tool[]
  readonly changes: readonly ManifestChange[]
  readonly findings: readonly ManifestFinding[]
  readonly ignored: readonly ManifestFinding[]
  readonly output: {
    readonly name: string
    readonly sizeBytes: number
    readonly sha256: string
    readonly sha512?: string
    readonly signedBy?: SignedBy
  }
  readonly times?: {
    readonly startedAt: string
    readonly finishedAt: string
    /** How the blocks of a bzip2 image were found; a second run finds them in the cache. */
    readonly blockIndex?: 'cached' | 'tail' | 'full'
    readonly phases: readonly { readonly phase: string; readonly milliseconds: number }[]
  }
}

export function formatManifest(record: BakeRecord, redactor: Redactor): string {
  return `${JSON.stringify(describeBake(record, redactor), null, 2)}\n`
}

export function describeBake(record: BakeRecord, redactor: Redactor): Manifest {
  const { content, encoder, input, output, seen, signedBy, times } = record
  const { booted, codec, format, sizeBytes, verification } = seen.image
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: { name: PROGRAM, version: ownVersion() },
    request: describeRequest(record),
    input: {
      name: input.name,
      sizeBytes,
      ...digestsIn(input.digests),
      compression: codec.kind === 'plain' ? 'none' : codec.kind,
      format,
      verification: describeVerification(verification, redactor),
      ...(booted.verdict === 'booted' ? { booted: bootSigns(booted) } : {}),
      release: describeRelease(seen.release),
    },
    template: content.template === undefined ? null : { name: content.template.name, title: content.template.title },
    contentSha256: contentSha256(content),
    oemId: seen.plan.oemId ?? null,
    engine: seen.engine,
    strategy: encoder !== undefined ? 'recompress' : codec.kind === 'plain' ? 'copy' : 'splice',
    tools: record.tools,
    changes: describeChanges(record, redactor),
    findings: seen.plan.findings.map((finding) => describeFinding(finding, redactor)),
    ignored: seen.plan.ignored.map((finding) => describeFinding(finding, redactor)),
    output: {
      name: output.name,
      sizeBytes: output.sizeBytes,
      ...digestsIn(output.digests),
      ...given({ signedBy }),
    },
    ...(times === undefined
      ? {}
      : {
          times: {
            startedAt: times.startedAt.toISOString(),
            finishedAt: times.finishedAt.toISOString(),
            ...(codec.kind === 'bzip2' ? { blockIndex: codec.index } : {}),
            phases: times.phases,
          },
        }),
  }
}

function digestsIn({ sha256, sha512 }: Digests): Digests {
  return given({ sha256, sha512 })
}

function describeRelease(release: ImageRelease): Manifest['input']['release'] {
  if (release.kind === 'unknown') return null
  const { distro, from, version } = release
  return { distro, version, from }
}

function describeChanges({ previous, seen }: BakeRecord, redactor: Redactor): readonly ManifestChange[] {
  const after = new Map(seen.plan.expected.map((entry) => [entry.path, entry]))
  return seen.plan.changes.flatMap((change): ManifestChange[] => {
    const { action, kind, mode, origin, path, previousMode, previousSizeBytes, sizeBytes } = change
    if (action === 'keep' || action === 'unchanged') return []
    return [
      {
        path,
        kind,
        action,
        ...given({ origin: origin && redactor.text(origin) }),
        ...side('before', previousMode, previousSizeBytes, previous.get(path)),
        ...side('after', mode, sizeBytes, after.get(path)?.sha256),
      },
    ]
  })
}

function side(
  name: 'before' | 'after',
  mode: number | undefined,
  sizeBytes: number | undefined,
  sha256: string | undefined,
): { readonly [side in 'before' | 'after']?: ManifestFile } {
  if (mode === undefined || sizeBytes === undefined) return {}
  return { [name]: given({ mode: formatMode(mode), sizeBytes, sha256 }) }
}

function describeFinding({ message, place, rule, severity }: Finding, redactor: Redactor): ManifestFinding {
  return given({
    rule,
    severity,
    message: redactor.text(message),
    place: place && { ...place, file: redactor.text(place.file) },
  })
}
