/**
 * The worker side of `full-index.ts`: walks stretches of the chain, one after the other.
 *
 * It reads from the file descriptor of the main thread, which all threads of a process share, and decodes where the bytes
 * land: no image data crosses threads, only columns do.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { fileError, InternalError } from '../../errors.js'
import { BlockDecoder } from './block-decoder.js'
import { BlockChain, type ChainSegment } from './chain.js'
import { readAtFrom } from './read-at.js'
import type { FromWalker, ToWalker, WalkerStart } from './walk-protocol.js'

if (parentPort === null) throw new InternalError('ERR_INTERNAL', 'this module runs in a worker')
const port = parentPort
const { fd, module, name, sizeBytes }: WalkerStart = workerData
const chain = new BlockChain(new BlockDecoder(module), readAtFrom(fd), sizeBytes, name)

port.on('message', ({ from, untilBit }: ToWalker) => {
  try {
    const segment = walk(from, untilBit)
    const columns =
      segment === undefined
        ? []
        : [segment.startBit, segment.endBit, segment.rawLength, segment.textLength, segment.crc]
    port.postMessage(
      { kind: 'segment', segment } satisfies FromWalker,
      columns.map(({ buffer }) => buffer as ArrayBuffer),
    )
  } catch (error) {
    const { details, message } = fileError(error, `read ${name}`)
    port.postMessage({
      kind: 'failed',
      message,
      errno: typeof details.errno === 'string' ? details.errno : undefined,
    } satisfies FromWalker)
  }
})

function walk(from: ToWalker['from'], untilBit: number): ChainSegment | undefined {
  switch (from.kind) {
    case 'start of file':
      return chain.walk('start of file', untilBit)
    case 'bit':
      return chain.walk({ bit: from.bit }, untilBit)
    case 'search':
      return chain.findAndWalk(from.fromBit, untilBit)
  }
}
