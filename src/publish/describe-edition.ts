/**
 * What has to be known, and looked for, before a bake begins, so that its output can be described and signed at the end: a
 * missing key should be told at once, and digests be taken while the bytes pass by.
 */
import { basename } from 'node:path'
import { requestedClock } from '../clock.js'
import type { DecodePurpose } from '../codec/codec.js'
import { InternalError } from '../errors.js'
import type { PreviousDigests } from '../oem/previous-digests.js'
import { digestTemplateFiles } from '../oem/template/template-digests.js'
import type { PhaseTimes } from '../phase-times.js'
import type { RunContext } from '../progress.js'
import type { PlanReport } from '../report.js'
import { digestFile } from '../source/digest-file.js'
import type { Digests } from '../source/file-hash.js'
import type { FinishedSideFile } from './publish.js'
import type { BakeRecord } from './record.js'
import type { SideFile } from './side-files.js'
import type { Target } from './target.js'
import { writeSideFiles } from './write-side-files.js'

/** What a bake has seen and made. */
export interface FinishedBake {
  readonly seen: PlanReport
  /** Of the input. */
  readonly input: Digests | undefined
  /** Of the output. */
  readonly digests: Digests
  readonly previous: PreviousDigests
  readonly encoder: string | undefined
  readonly times: PhaseTimes
}

export interface EditionDescription {
  /** What the codec is to find out beside its work. */
  readonly tell: NonNullable<Extract<DecodePurpose, { readonly kind: 'bake' }>['tell']>
  /**
   * Writes the side files into the working directory; none has its name yet.
   *
   * @param image the finished image in the working directory
   * @param target with the names of the side files
   * @throws ERR_SIGN | ERR_NO_SPACE | ERR_PERMISSION | ERR_IO
   */
  write(image: string, target: Target, bake: FinishedBake): Promise<readonly FinishedSideFile[]>
}

/** What is asked for, as far as it is known before an image is opened. */
export type DescribedJob = Pick<BakeRecord, 'verb' | 'request' | 'content'>

/** What side files want to know of input and output. */
export function toldFor(sideFiles: readonly SideFile[]): EditionDescription['tell'] {
  return { inputDigest: sideFiles.length > 0, sha512: sideFiles.some(({ kind }) => kind === 'digests') }
}

/** @throws ERR_GPG_MISSING, ERR_SIGNING_KEY, ERR_USAGE for a clock that is none */
export async function prepareDescription(
  { verb, request, content }: DescribedJob,
  sideFiles: readonly SideFile[],
  context: RunContext,
): Promise<EditionDescription> {
  const sourceDateEpoch = requestedClock(request.sourceDateEpoch, context.env)
  const signer = request.sign === undefined ? undefined : await openSigner(request.sign, context)
  const hasProvenance = sideFiles.some(({ kind }) => kind === 'provenance')
  const templateFiles =
    content.template !== undefined && hasProvenance ? await digestTemplateFiles(content.template) : []
  return {
    tell: toldFor(sideFiles),
    write: async (image, target, { digests, encoder, input, previous, seen, times }) => {
      if (sideFiles.length === 0) return []
      if (input === undefined) throw new InternalError('ERR_INTERNAL', 'the digest of the input was not taken')
      const original =
        hasProvenance && request.original !== undefined ? await digestFile(request.original, false, context) : undefined
      const ran = { startedAt: times.startedAt, finishedAt: new Date(), phases: times.phases() }
      return writeSideFiles(
        image,
        target,
        {
          verb,
          request,
          content,
          seen,
          previous,
          encoder,
          digests,
          signer,
          templateFiles: templateFiles.map(({ name, sha256 }) => ({ name, digests: { sha256 } })),
          input: { name: basename(request.image), digests: input },
          original: original && { name: original.name, digests: original },
          sourceDateEpoch,
          times: sourceDateEpoch === undefined ? ran : undefined,
        },
        context,
      )
    },
  }
}

/** Loaded only here: starting programs costs 80 ms before the first one is started. */
async function openSigner(keyId: string, context: RunContext) {
  const sign = await import('./sign.js')
  return sign.openSigner(keyId, context)
}
