/**
 * `oem-bake plan IMAGE`: prints exactly what a bake would change, and changes nothing.
 */
import { plan as planImage } from '../../look.js'
import type { RunContext } from '../../progress.js'
import { withLocalImage } from '../fetched-image.js'
import { type ContentFlags, contentRequest } from '../options/content.js'
import { type ImageFlags, imageRequest } from '../options/image.js'
import { planDocument } from '../render/document.js'
import { planText } from '../render/reports.js'
import type { CommandOutput } from '../run.js'

export async function plan(flags: ContentFlags & ImageFlags, context: RunContext): Promise<CommandOutput> {
  const report = await planImage(
    await withLocalImage({ ...imageRequest(flags), ...contentRequest(flags) }, context),
    context,
  )
  return { document: planDocument(report), text: planText(report) }
}
