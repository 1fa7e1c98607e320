/**
 * Provenance: an in-toto statement that says how the output came about, for machines that judge where an image is from.
 *
 * Statement: in-toto/attestation spec/v1/statement.md and resource_descriptor.md. Predicate: SLSA provenance v1
 * (slsa-framework/slsa spec/build-provenance.md). The subject is the output; what was asked for are the external
 * parameters; the input image, the original image that files came back from, the template's own files and the files that were given are the resolved dependencies. The
 * statement is not signed by itself: with `--sign` its digest stands in DIGESTS.asc; whoever has another way wraps it in
 * an envelope of that.
 *
 * Whoever runs the program could write the same statement by hand, and that is what `builder.id` says: one machine's run
 * of this package, build level 1 at most. Left out with SOURCE_DATE_EPOCH: what differs from run to run.
 */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { Digests } from '../source/file-hash.js'
import { type DescribedRequest, describeRequest } from './described-request.js'
import type { BakeRecord, NamedFile } from './record.js'

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
/** How parameters and dependencies are to be read: as this package documents them. */
const BUILD_TYPE = 'pkg:npm/oem-bake#bake/v1'
const BUILDER = 'pkg:npm/oem-bake'

interface ResourceDescriptor {
  readonly name: string
  readonly digest: Readonly<Record<string, string>>
}

export interface ProvenanceStatement {
  readonly _type: typeof STATEMENT_TYPE
  readonly subject: readonly ResourceDescriptor[]
  readonly predicateType: typeof PREDICATE_TYPE
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: typeof BUILD_TYPE
      readonly externalParameters: DescribedRequest
      readonly resolvedDependencies: readonly ResourceDescriptor[]
    }
    readonly runDetails: {
      readonly builder: { readonly id: typeof BUILDER; readonly version: Readonly<Record<string, string>> }
      readonly metadata?: {
        readonly invocationId: string
        readonly startedOn: string
        readonly finishedOn: string
      }
    }
  }
}

/** @param templateFiles of the template that was used, as they lie on this machine */
export function formatProvenance(record: BakeRecord, templateFiles: readonly NamedFile[]): string {
  return `${JSON.stringify(describeProvenance(record, templateFiles), null, 2)}\n`
}

export function describeProvenance(record: BakeRecord, templateFiles: readonly NamedFile[]): ProvenanceStatement {
  const { input, original, output, times, tools } = record
  return {
    _type: STATEMENT_TYPE,
    subject: [descriptor(output)],
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: describeRequest(record),
        resolvedDependencies: [
          input,
          ...(original === undefined ? [] : [original]),
          ...templateFiles,
          ...givenFiles(record),
        ].map(descriptor),
      },
      runDetails: {
        builder: {
          id: BUILDER,
          version: Object.fromEntries(
            tools.flatMap(({ name, version }) => (version === undefined ? [] : [[name, version]])),
          ),
        },
        ...(times === undefined
          ? {}
          : {
              metadata: {
                invocationId: randomUUID(),
                startedOn: timestamp(times.startedAt),
                finishedOn: timestamp(times.finishedAt),
              },
            }),
      },
    },
  }
}

/** Whole seconds: fractions have as many forms as there are readers. */
function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Files of this machine that went onto the partition as they are. */
function givenFiles({ content, seen }: BakeRecord): readonly NamedFile[] {
  const baked = new Set(
    seen.plan.expected.flatMap(({ path, sha256 }) => (sha256 === undefined ? [] : [`${path} ${sha256}`])),
  )
  return content.files
    .filter(({ copied, path, sha256 }) => copied && baked.has(`${path} ${sha256}`))
    .map(({ source, sha256 }) => ({ name: basename(source), digests: { sha256 } }))
}

function descriptor({ digests, name }: NamedFile): ResourceDescriptor {
  const { sha256, sha512 }: Digests = digests
  return { name, digest: { sha256, ...(sha512 === undefined ? {} : { sha512 }) } }
}
