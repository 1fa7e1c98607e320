/**
 * The worker side of `independent-decoder.ts`: one small stream in, its decoded bytes out.
 */
import { parentPort } from 'node:worker_threads'
import unbzip2 from 'unbzip2-stream'
import { InternalError } from '../../errors.js'
import type { FromIndependent, ToIndependent } from './independent-decoder.js'

if (parentPort === null) throw new InternalError('ERR_INTERNAL', 'this module runs in a worker')
const port = parentPort

port.on('message', ({ stream }: ToIndependent) => {
  const decoder = unbzip2()
  const pieces: Uint8Array[] = []
  let ended = false
  const end = (answer: FromIndependent): void => {
    if (!ended) port.postMessage(answer)
    ended = true
  }
  decoder.on('data', (bytes: Uint8Array) => pieces.push(bytes))
  decoder.on('error', (error: Error) => end({ kind: 'failed', message: error.message }))
  decoder.on('end', () => end({ kind: 'decoded', bytes: Buffer.concat(pieces) }))
  decoder.write(Buffer.from(stream))
  decoder.end()
})
