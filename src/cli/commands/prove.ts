/**
 * `oem-bake prove ORIGINAL BAKED`: prints whether nothing but the OEM partition differs, and which of its files do. Ends with
 * 3 when something else differs.
 */

import { UsageError, type VerificationError } from '../../errors.js'
import { given } from '../../given.js'
import type { RunContext } from '../../progress.js'
import { prove as proveImages } from '../../prove/prove.js'
import type { ProveRequest } from '../../request.js'
import { type ImageFlags, parseSize } from '../options/image.js'
import { type TrustFlags, trustRequest } from '../options/trust.js'
import { proofText } from '../render/proof.js'
import type { CommandOutput } from '../run.js'

export interface ProveFlags extends TrustFlags, Pick<ImageFlags, 'engine' | 'maxSize' | 'tmpDir'> {
  readonly original?: string | undefined
  readonly baked?: string | undefined
}

/** Of a verification that failed. */
const DOES_NOT_HOLD: VerificationError['exitCode'] = 3

export async function prove(flags: ProveFlags, context: RunContext): Promise<CommandOutput> {
  const report = await proveImages(proveRequest(flags), context)
  const told = { document: report, text: proofText(report) }
  if (report.holds) return told
  const message = `${report.baked.path}: ${report.reason ?? ''}`
  return { ...told, exitCode: DOES_NOT_HOLD, complaints: [{ gravity: 'error', title: 'NOT PROVED', message }] }
}

/** @throws ERR_USAGE without two images, or for a size that is none */
function proveRequest(flags: ProveFlags): ProveRequest {
  const { baked, engine, maxSize, original, tmpDir } = flags
  if (original === undefined || baked === undefined) {
    throw new UsageError('ERR_USAGE', original === undefined ? 'no image was named' : 'no second image was named', {
      hint: 'oem-bake prove ORIGINAL BAKED; see oem-bake prove --help',
    })
  }
  const maxSizeBytes = maxSize === undefined ? undefined : parseSize(maxSize)
  return given({ original, baked, engine, ...trustRequest(flags), maxSizeBytes, tmpDir })
}
