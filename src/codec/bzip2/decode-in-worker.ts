/**
 * unbzip2-stream behind a worker: the decoder for machines without any bzip2 program, and the independent one.
 *
 * In a worker because it blocks its thread for 130 to 330 ms at a time, and because a block that decodes to 45 MB of
 * zeros becomes a JavaScript array of as many numbers (1 GiB of zeros: 2.9 GiB of memory without a limit, measured): the
 * worker's heap is limited, and it waits after each block until the sink has taken it. It waits in the middle of a call
 * of unbzip2-stream, which decodes all that it can of what it is given, at the end of the input without any bound.
 */
import { Worker } from 'node:worker_threads'
import {
  CancelledError,
  EngineError,
  InternalError,
  isErrnoException,
  throwIfCancelled,
  UnsupportedError,
} from '../../errors.js'
import type { Phase, RunContext } from '../../progress.js'
import { type Bzip2File, compressedBytes, corrupt, type Sink } from './decode.js'

/**
 * Heap of the worker: enough for the most that a block can hold, 900 000 / 5 * (4 + 255) bytes (measured: 986 MiB for the
 * whole process). Not to be lowered without a look at such a block: V8 ends the process, not the worker, when a single
 * array does not fit (seen at 200 MiB).
 */
const HEAP_LIMIT_MIB = 768

/** What the worker is started with: one 32-bit counter of the blocks that the sink has taken. */
export interface DecoderStart {
  readonly taken: Int32Array
}

/** To the worker. `end`: no more input. */
export type ToDecoder = { readonly kind: 'input'; readonly bytes: Uint8Array } | { readonly kind: 'end' }
/** From the worker. `hungry`: send the next input. `output`: the worker now waits until `taken` has been counted up. */
export type FromDecoder =
  | { readonly kind: 'hungry' }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string }

/**
 * @throws ERR_BZIP2_CORRUPT, ERR_DECODER_MEMORY when a block needs more memory than the worker may have
 */
export async function decodeInWorker(file: Bzip2File, sink: Sink, phase: Phase, context: RunContext): Promise<void> {
  throwIfCancelled(context.signal)
  const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const worker = new Worker(new URL('./unbzip2-worker.js', import.meta.url), {
    workerData: { taken } satisfies DecoderStart,
    // Flags of the program that uses us (--eval, --input-type) may not suit a worker.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MIB },
  })
  const input = compressedBytes(file, phase, context)
  const cancel = (): void => void worker.terminate()
  context.signal.addEventListener('abort', cancel, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      const send = (message: ToDecoder): void => worker.postMessage(message)
      const feed = async (): Promise<void> => {
        const next = await input.next()
        send(next.done === true ? { kind: 'end' } : { kind: 'input', bytes: next.value })
      }
      worker.on('message', (message: FromDecoder) => {
        switch (message.kind) {
          case 'hungry':
            feed().catch(reject)
            break
          case 'output':
            sink(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength)).then(() => {
              Atomics.add(taken, 0, 1)
              Atomics.notify(taken, 0)
            }, reject)
            break
          case 'failed':
            reject(corrupt(file.name, `unbzip2-stream says: ${message.message}`))
            break
          case 'done':
            resolve()
        }
      })
      worker.on('error', (error) => reject(workerError(error, file.name)))
      worker.on('exit', () =>
        reject(
          context.signal.aborted
            ? new CancelledError()
            : new InternalError('ERR_INTERNAL', 'the bzip2 worker ended early'),
        ),
      )
    })
  } finally {
    context.signal.removeEventListener('abort', cancel)
    await worker.terminate()
    await input.return(undefined)
  }
}

function workerError(error: Error, name: string): Error {
  if (isErrnoException(error) && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new UnsupportedError(
      'ERR_DECODER_MEMORY',
      `${name} needs more memory to decode than the built-in decoder may use (${HEAP_LIMIT_MIB} MiB)`,
      {
        hint: 'Debian/Ubuntu: sudo apt-get install lbzip2\nFedora: sudo dnf install lbzip2',
        cause: error,
      },
    )
  }
  return new EngineError('ERR_CHILD_FAILED', `the bzip2 worker failed: ${error.message}`, { cause: error })
}
