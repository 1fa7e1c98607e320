/**
 * `oem-bake verify FILE`: says who vouches for a file; ends with 0 only when a good signature does.
 */
import type { RunContext } from '../../progress.js'
import { verifyFile } from '../../trust/verify-file.js'
import { fileOf } from '../options/image.js'
import { type TrustFlags, trustRequest } from '../options/trust.js'
import { verifyText } from '../render/verify.js'
import type { CommandOutput } from '../run.js'

export async function verify(
  flags: TrustFlags & { readonly file?: string | undefined },
  context: RunContext,
): Promise<CommandOutput> {
  const report = await verifyFile(
    { image: fileOf(flags.file, 'oem-bake verify FILE'), ...trustRequest(flags) },
    context,
  )
  const told = { document: report, text: verifyText(report) }
  if (report.verified) return told
  const message = `${report.image.path}: ${report.verification.reason}`
  return { ...told, exitCode: 3, complaints: [{ gravity: 'error', title: 'UNVERIFIED', message }] }
}
