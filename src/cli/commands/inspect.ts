/**
 * `oem-bake inspect IMAGE`: prints what an image is and what its OEM partition holds.
 */
import { inspect as inspectImage } from '../../look.js'
import type { RunContext } from '../../progress.js'
import { withLocalImage } from '../fetched-image.js'
import { type ImageFlags, imageRequest } from '../options/image.js'
import { inspectText } from '../render/reports.js'
import type { CommandOutput } from '../run.js'

export async function inspect(flags: ImageFlags, context: RunContext): Promise<CommandOutput> {
  const report = await inspectImage(await withLocalImage(imageRequest(flags), context), context)
  return { document: report, text: inspectText(report) }
}
