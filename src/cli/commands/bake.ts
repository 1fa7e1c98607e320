/**
 * `oem-bake [bake] IMAGE`: bakes an edition and prints the path of what was published.
 */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { bake as bakeImage } from '../../bake.js'
import { fileError, UsageError } from '../../errors.js'
import { given } from '../../given.js'
import type { RunContext } from '../../progress.js'
import type { BakeReport } from '../../report.js'
import type { BakeRequest, EditionsRequest, ImageRequest, OutputRequest } from '../../request.js'
import { openWorkspace } from '../../temp.js'
import { withLocalImage } from '../fetched-image.js'
import { type ContentFlags, contentOptions, contentRequest } from '../options/content.js'
import { askedTemplates, type EditionFlags } from '../options/editions.js'
import { type ImageFlags, imageRequest } from '../options/image.js'
import { type OutputFlags, outputRequest } from '../options/output.js'
import type { TalkFlags } from '../options/talk.js'
import { planDocument } from '../render/document.js'
import { planText } from '../render/reports.js'
import { printable } from '../render/table.js'
import type { CommandOutput } from '../run.js'

export type BakeFlags = Omit<ContentFlags, 'template'> & EditionFlags & ImageFlags & OutputFlags & TalkFlags

/** `-o -` */
export const STANDARD_OUTPUT = '-'

export async function bake(flags: BakeFlags, context: RunContext): Promise<CommandOutput> {
  const asked = bakeRequest(flags)
  if ('templates' in asked) {
    // Loaded only here: most bakes make one.
    const { editions } = await import('./editions.js')
    return editions(await withLocalImage(asked, context), context)
  }
  const request = await withLocalImage(asked, context)
  return publishOutput(request, flags, (given) => bakeImage(given, context), context)
}

/** @throws ERR_USAGE for flags that can't be meant */
export function bakeRequest(flags: Omit<BakeFlags, keyof TalkFlags>): BakeRequest | EditionsRequest {
  const asked = askedTemplates(flags)
  const { outputDir } = flags
  const shared = {
    ...imageRequest(flags),
    ...outputRequest(flags),
    ...given({ outputDirectory: outputDir }),
  }
  if ('templates' in asked) return { ...shared, ...contentOptions({ ...flags, template: undefined }), ...asked }
  return { ...shared, ...contentRequest({ ...flags, template: asked.template }) }
}

/** Makes an image and prints its path, or the image itself. */
export async function publishOutput<Request extends ImageRequest & OutputRequest>(
  request: Request,
  flags: TalkFlags,
  make: (request: Request) => Promise<BakeReport>,
  context: RunContext,
): Promise<CommandOutput> {
  if (request.output === STANDARD_OUTPUT) return makeToStandardOutput(request, flags, make, context)
  const report = await make(request)
  summarize(report, flags)
  return { document: planDocument(report), text: `${report.output.path}\n` }
}

/** The finished, verified file is copied out; nothing reaches the pipe before it is whole. */
async function makeToStandardOutput<Request extends ImageRequest & OutputRequest>(
  request: Request,
  flags: TalkFlags,
  make: (request: Request) => Promise<BakeReport>,
  context: RunContext,
): Promise<CommandOutput> {
  if (flags.json === true) {
    throw new UsageError('ERR_USAGE', '--output - and --json both want standard output', {
      hint: 'leave --json out, or write the image to a file',
    })
  }
  if (request.sign !== undefined || (request.with !== undefined && request.with.length > 0)) {
    throw new UsageError('ERR_USAGE', '--output - leaves nothing beside the image: --with and --sign need a file', {
      hint: 'write the image to a file, or leave --with and --sign out',
    })
  }
  await using workspace = await openWorkspace(request.tmpDir ?? tmpdir())
  const report = await make({ ...request, output: workspace.path('output'), with: [] })
  summarize(report, flags)
  await copyToStandardOutput(report.output.path, context.signal)
  return { document: undefined, text: '' }
}

/** All of it: a file that ended early would be half an image, and nobody told. */
async function copyToStandardOutput(path: string, signal: AbortSignal): Promise<void> {
  try {
    const { size } = await stat(path)
    const file = createReadStream(path)
    await pipeline(file, process.stdout, { end: false, signal })
    if (file.bytesRead !== size) throw new Error(`it ended after ${file.bytesRead} of ${size} bytes`)
  } catch (error) {
    throw fileError(error, `copy ${path} to standard output`, 'make sure that whoever reads it takes all of it')
  }
}

function summarize(report: BakeReport, flags: TalkFlags): void {
  if (flags.quiet === true || flags.json === true || flags.progress === 'json') return
  const { files, sha256 } = report.output
  const beside =
    files.length === 0 ? '' : `beside it   ${files.map(({ path }) => printable(basename(path))).join(', ')}\n`
  process.stderr.write(`${planText(report)}sha256      ${sha256}\n${beside}`)
}
