/**
 * The worker side of `decode-in-worker.ts`: input in, decoded blocks out, one at a time each way.
 */
import { parentPort, workerData } from 'node:worker_threads'
import unbzip2 from 'unbzip2-stream'
import { InternalError } from '../../errors.js'
import type { DecoderStart, FromDecoder, ToDecoder } from './decode-in-worker.js'

if (parentPort === null) throw new InternalError('ERR_INTERNAL', 'this module runs in a worker')
const port = parentPort
const { taken }: DecoderStart = workerData

const send = (message: FromDecoder): void => port.postMessage(message)
const decoder = unbzip2()
let sent = 0

decoder.on('data', (bytes: Buffer) => {
  send({ kind: 'output', bytes })
  sent++
  // Blocks this thread, and so unbzip2-stream, until the sink is done with the bytes; `terminate` ends the wait.
  for (let seen = Atomics.load(taken, 0); seen !== (sent | 0); seen = Atomics.load(taken, 0))
    Atomics.wait(taken, 0, seen)
})
decoder.on('error', (error: Error) => send({ kind: 'failed', message: error.message }))
decoder.on('end', () => send({ kind: 'done' }))

port.on('message', (message: ToDecoder) => {
  switch (message.kind) {
    case 'input':
      decoder.write(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength))
      send({ kind: 'hungry' })
      break
    case 'end':
      decoder.end()
  }
})

send({ kind: 'hungry' })
