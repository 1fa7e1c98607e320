/**
 * The worker side of `decode-in-worker.ts`: input in, decoded blocks out, one at a time each way.
 */
import { parentPort } from 'node:worker_threads'
import unbzip2 from 'unbzip2-stream'
import { InternalError } from '../../errors.js'
import type { FromDecoder, ToDecoder } from './decode-in-worker.js'

if (parentPort === null) throw new InternalError('ERR_INTERNAL', 'this module runs in a worker')
const port = parentPort

const send = (message: FromDecoder): void => port.postMessage(message)
const decoder = unbzip2()
/** Decoded blocks that the main thread has not taken yet. */
let waiting = 0
let inputIsDue = true

decoder.on('data', (bytes: Buffer) => {
  waiting++
  send({ kind: 'output', bytes })
})
decoder.on('error', (error: Error) => send({ kind: 'failed', message: error.message }))
decoder.on('end', () => send({ kind: 'done' }))

function askForInput(): void {
  if (waiting > 0 || !inputIsDue) return
  inputIsDue = false
  send({ kind: 'hungry' })
}

port.on('message', (message: ToDecoder) => {
  switch (message.kind) {
    case 'input':
      inputIsDue = true
      decoder.write(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength))
      askForInput()
      break
    case 'end':
      decoder.end()
      break
    case 'taken':
      waiting--
      askForInput()
  }
})

askForInput()
