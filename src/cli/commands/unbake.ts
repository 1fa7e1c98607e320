/**
 * `oem-bake unbake IMAGE --original ORIGINAL`: takes all bakes back, and prints the path of what was published.
 */
import { unbake as unbakeImage } from '../../bake.js'
import { UsageError } from '../../errors.js'
import { planOfUnbake } from '../../look.js'
import type { RunContext } from '../../progress.js'
import type { BakeReport } from '../../report.js'
import type { OutputRequest, UnbakeRequest } from '../../request.js'
import { withLocalImage } from '../fetched-image.js'
import { type ImageFlags, imageRequest } from '../options/image.js'
import { type OutputFlags, outputRequest } from '../options/output.js'
import type { TalkFlags } from '../options/talk.js'
import type { UnbakeFlags } from '../options/unbake.js'
import { planDocument } from '../render/document.js'
import { planText } from '../render/reports.js'
import type { CommandOutput } from '../run.js'
import { publishOutput } from './bake.js'

export async function unbake(
  flags: UnbakeFlags & ImageFlags & OutputFlags & TalkFlags,
  context: RunContext,
): Promise<CommandOutput> {
  const { existing, original } = flags
  const image = imageRequest(flags)
  if (original === undefined) {
    throw new UsageError(
      'ERR_USAGE',
      'unbake needs the original image: the vendor files that a bake replaced are in no other place',
      {
        hint: `oem-bake unbake ${image.image} --original ORIGINAL`,
      },
    )
  }
  const asked = { ...image, ...outputRequest(flags), original, existing }
  const request: UnbakeRequest & OutputRequest = await withLocalImage(asked, context)
  if (flags.plan === true) {
    const report = await planOfUnbake(request, context)
    return { document: planDocument(report), text: planText(report) }
  }
  return publishOutput(request, flags, (given): Promise<BakeReport> => unbakeImage(given, context), context)
}
