/**
 * `oem-bake explain IMAGE`: prints what a machine will do at boot, with the image as it is or after a bake.
 */
import { explain as explainImage } from '../../look.js'
import type { RunContext } from '../../progress.js'
import { withLocalImage } from '../fetched-image.js'
import { type ContentFlags, contentOptions, contentRequest } from '../options/content.js'
import { type ImageFlags, imageRequest } from '../options/image.js'
import { explainText } from '../render/boot.js'
import { explainDocument } from '../render/document.js'
import type { CommandOutput } from '../run.js'

export async function explain(flags: ContentFlags & ImageFlags, context: RunContext): Promise<CommandOutput> {
  // A variable or a policy without anything that it is for is a mistake, as it is for `plan`.
  const { set, vars, oemIdUnchecked, original, strict, ignore } = flags
  const wantsContent = [set, vars, oemIdUnchecked, original, strict, ignore].some((given) => given !== undefined)
  const content = wantsContent ? contentRequest(flags) : contentOptions(flags)
  const report = await explainImage(await withLocalImage({ ...imageRequest(flags), ...content }, context), context)
  return { document: explainDocument(report), text: explainText(report) }
}
