/**
 * The worker side of `file-hash.ts`: reads a file once, in order, and hashes it.
 *
 * A copy of the state is kept every few MiB, so that the digests of a file that begins the same way cost only what is new
 * in it.
 */
import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { InternalError, isErrnoException } from '../errors.js'
import type { Digests, FromHasher, ToHasher } from './file-hash.js'
import { feed } from './hash-feed.js'
import { HeadStart } from './head-start.js'

if (parentPort === null) throw new InternalError('ERR_INTERNAL', 'this module runs in a worker')
const port = parentPort

/** Bytes between two states that are kept. */
const STEP_BYTES = 4 << 20
/** Bytes between two words about progress. */
const REPORT_BYTES = 16 << 20

/** What is computed in one read. */
interface Hashes {
  readonly sha256: Hash
  readonly sha512: Hash | undefined
}

/** After so many steps. */
const states: Hashes[] = []
let headStart: HeadStart | undefined

const send = (message: FromHasher): void => port.postMessage(message)

port.on('message', async (request: ToHasher) => {
  try {
    switch (request.kind) {
      case 'head start':
        headStart = new HeadStart(request.path, (sha256, offset) => keepState({ sha256, sha512: undefined }, offset))
        break
      case 'whole':
        send({ kind: 'digests', digests: await hashWhole(request) })
        break
      case 'new tail':
        send({ kind: 'digests', digests: await hashNewTail(request) })
        break
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    send({ kind: 'failed', message, errno: isErrnoException(error) ? error.code : undefined })
  }
})

async function hashWhole(request: Extract<ToHasher, { readonly kind: 'whole' }>): Promise<Partial<Digests>> {
  const { fd, sizeBytes, withSha256, withSha512, signed = [] } = request
  const begun = await headStart?.endFor(fd, sizeBytes)
  headStart = undefined
  const isOfUse = withSha256 && !withSha512 && signed.length === 0
  const { offset: from, sha256: early } = begun !== undefined && isOfUse ? begun : { offset: 0, sha256: undefined }
  if (early === undefined) states.length = 0
  else send({ kind: 'progress', doneBytes: from })
  // What several ask for is hashed once.
  const running = new Map<string, Hash>(early === undefined ? [] : [['sha256 ', early]])
  const begin = (algorithm: string, prefix: Uint8Array = new Uint8Array()): Hash => {
    const key = `${algorithm} ${Buffer.from(prefix).toString('hex')}`
    const hash = running.get(key) ?? createHash(algorithm).update(prefix)
    running.set(key, hash)
    return hash
  }
  const sha256 = withSha256 ? begin('sha256') : undefined
  const sha512 = withSha512 ? begin('sha512') : undefined
  const ofSignatures = signed.map(({ algorithm, prefix, suffix }) => ({ hash: begin(algorithm, prefix), suffix }))
  const hashes = [...running.values()]
  await feed(fd, from, sizeBytes, (bytes, offset) => {
    if (sha256 !== undefined) keepState({ sha256, sha512 }, offset)
    for (const hash of hashes) hash.update(bytes)
    if (offset % REPORT_BYTES === 0) send({ kind: 'progress', doneBytes: offset })
  })
  // Copies: a digest ends its hash, and others may go on from the same one.
  const ends = ofSignatures.map(({ hash, suffix }) => hash.copy().update(suffix).digest())
  return {
    ...(sha256 === undefined ? {} : { sha256: sha256.digest('hex') }),
    ...(sha512 === undefined ? {} : { sha512: sha512.digest('hex') }),
    ...(ends.length === 0 ? {} : { signed: ends }),
  }
}

async function hashNewTail({
  fd,
  keptBytes,
  sizeBytes,
}: Extract<ToHasher, { readonly kind: 'new tail' }>): Promise<Digests> {
  const step = Math.min(Math.floor(keptBytes / STEP_BYTES), states.length - 1)
  const kept = states[step]
  if (kept === undefined) throw new InternalError('ERR_INTERNAL', 'nothing has been hashed yet')
  const hashes = copyOf(kept)
  await feed(fd, step * STEP_BYTES, sizeBytes, (bytes) => {
    hashes.sha256.update(bytes)
    hashes.sha512?.update(bytes)
  })
  return digestsOf(hashes)
}

function digestsOf({ sha256, sha512 }: Hashes): Digests {
  return { sha256: sha256.digest('hex'), ...(sha512 === undefined ? {} : { sha512: sha512.digest('hex') }) }
}

function copyOf({ sha256, sha512 }: Hashes): Hashes {
  return { sha256: sha256.copy(), sha512: sha512?.copy() }
}

/** Of all before `offset`, every few MiB. */
function keepState(hashes: Hashes, offset: number): void {
  if (offset % STEP_BYTES === 0) states.push(copyOf(hashes))
}
