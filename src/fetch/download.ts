/**
 * One large file from a server that may be slow, busy, cut us off or change the file under our hands.
 *
 * What is there already is asked for no more: Range, with If-Range and the validator of the first answer, so that a server whose
 * file is another one by now sends it whole (RFC 9110, 13.1.5 and 14). What comes is whole when it has the length that the server
 * named; whether it is the right one is for `verify` to say, not for the server.
 */
import { CancelledError, MachineError, throwIfCancelled, UsageError } from '../errors.js'
import type { RunContext } from '../progress.js'
import { shown } from './address.js'
import { type Answer, type HttpClient, type PassingFailure, reasonOf } from './http.js'
import type { PartialFile } from './partial.js'
import { Retries, type RetryPolicy } from './retry.js'

/** A file that is there in part by now, and comes again from its beginning when need be. */
export async function download(
  client: HttpClient,
  url: URL,
  file: PartialFile,
  policy: RetryPolicy,
  context: RunContext,
): Promise<void> {
  const retries = new Retries(policy, context.signal)
  context.report({ kind: 'phase', phase: 'download', detail: url.host })
  for (;;) {
    throwIfCancelled(context.signal)
    const failure = await attempt(client, url, file, retries, context)
    if (failure === undefined) break
    await retries.again(failure, url)
  }
  await file.sync()
}

async function attempt(
  client: HttpClient,
  url: URL,
  file: PartialFile,
  retries: Retries,
  context: RunContext,
): Promise<PassingFailure | undefined> {
  const { sizeBytes: have, validator } = file
  const answer = await client.get(
    url,
    validator === undefined ? {} : { range: `bytes=${have}-`, 'if-range': validator },
  )
  if (answer.kind === 'failed') return answer
  if (answer.status === 404 || answer.status === 410) {
    answer.body.drop()
    throw notPublished(url)
  }
  if (isAllThere(answer, file)) {
    answer.body.drop()
    return undefined
  }
  const totalBytes = await prepare(answer, file)
  if (typeof totalBytes === 'object') {
    answer.body.drop()
    return totalBytes
  }
  try {
    for await (const bytes of answer.body) {
      await file.append(bytes)
      retries.madeProgress()
      if (totalBytes !== undefined && file.sizeBytes > totalBytes) break
      context.report({ kind: 'progress', phase: 'download', doneBytes: file.sizeBytes, totalBytes: totalBytes ?? 0 })
    }
  } catch (error) {
    if (context.signal.aborted) throw new CancelledError()
    if (error instanceof MachineError) throw error
    return failed(reasonOf(error))
  }
  if (totalBytes === undefined || file.sizeBytes === totalBytes) return undefined
  const found = file.sizeBytes
  if (found > totalBytes) await file.restart(undefined)
  return failed(`it ended after ${found} bytes, expected ${totalBytes}`)
}

/** Whether an earlier run had downloaded the last byte: no rest is left to be sent. */
function isAllThere(answer: Answer, file: PartialFile): boolean {
  const validator = validatorOf(answer)
  return (
    answer.status === 416 &&
    answer.header('content-range') === `bytes */${file.sizeBytes}` &&
    (validator === undefined || validator === file.validator)
  )
}

/** Makes the file ready for what the answer brings: its rest, or all of it. @returns the whole size, if it is known */
async function prepare(answer: Answer, file: PartialFile): Promise<number | undefined | PassingFailure> {
  const validator = validatorOf(answer)
  if (answer.status === 206) {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? []
    const isRest = Number(from) === file.sizeBytes
    if (isRest && (validator === undefined || validator === file.validator))
      return total === '*' || total === undefined ? undefined : Number(total)
    await file.restart(undefined)
    return failed(isRest ? 'the file changed on the server' : 'the server sent another part than was asked for')
  }
  if (answer.status === 416) {
    // It has less than we have: another file.
    await file.restart(undefined)
    return failed('the file changed on the server')
  }
  await file.restart(validator)
  const length = answer.header('content-length')
  return length === undefined || !/^\d+$/.test(length) ? undefined : Number(length)
}

/** Only a strong one says that the bytes are the same. */
function validatorOf({ header }: Answer): string | undefined {
  const etag = header('etag')
  return etag !== undefined && !etag.startsWith('W/') ? etag : header('last-modified')
}

/** A small file, whole; undefined when the server has none. @throws ERR_NETWORK */
export async function downloadSmall(
  client: HttpClient,
  url: URL,
  limitBytes: number,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const retries = new Retries(policy, signal)
  for (;;) {
    throwIfCancelled(signal)
    const answer = await client.get(url)
    const outcome = answer.kind === 'failed' ? answer : await readSmall(answer, url, limitBytes)
    if (outcome === undefined || Buffer.isBuffer(outcome)) return outcome
    await retries.again(outcome, url)
  }
}

async function readSmall(answer: Answer, url: URL, limitBytes: number): Promise<Buffer | undefined | PassingFailure> {
  if (answer.status === 404 || answer.status === 410) {
    answer.body.drop()
    return undefined
  }
  const pieces: Buffer[] = []
  let length = 0
  try {
    for await (const piece of answer.body) {
      pieces.push(piece)
      length += piece.length
      if (length <= limitBytes) continue
      throw new MachineError('ERR_NETWORK', `${shown(url)} has more than ${limitBytes} bytes: expected a small file`, {
        hint: 'check that the address is that of a release directory',
      })
    }
  } catch (error) {
    if (error instanceof MachineError) throw error
    return failed(reasonOf(error))
  }
  return Buffer.concat(pieces)
}

export function notPublished(url: URL): UsageError {
  return new UsageError('ERR_NOT_PUBLISHED', `the server has no ${shown(url)}`, {
    hint: 'check distribution, channel, version and platform, or name a mirror with --mirror',
    details: { url: shown(url) },
  })
}

function failed(reason: string): PassingFailure {
  return { kind: 'failed', reason, retryAfterMs: undefined }
}
