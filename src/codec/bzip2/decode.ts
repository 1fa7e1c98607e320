/**
 * Decodes a whole bzip2 file into a sink, with a program if there is one, else with unbzip2-stream in a worker.
 *
 * The program reads our pipe, so it ends when we do, and progress is counted in compressed bytes where they pass.
 */
import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { lastLines, startCommand } from '../../command.js'
import { CancelledError, EngineError, fileError, ImageError, MachineError, OemBakeError } from '../../errors.js'
import type { Phase, RunContext } from '../../progress.js'
import { decodeInWorker } from './decode-in-worker.js'
import type { Bzip2Program } from './programs.js'

/** A compressed file that is open for reading. */
export interface Bzip2File {
  readonly handle: FileHandle
  readonly sizeBytes: number
  /** For messages. */
  readonly name: string
}

export type Sink = (decoded: Buffer) => Promise<void>

/** Name of the decoder where no program is used. */
export const WORKER_DECODER = 'unbzip2-stream'

/**
 * @param program undefined takes unbzip2-stream
 * @throws ERR_BZIP2_CORRUPT with the decoder's own words; whatever the sink throws
 */
export async function decodeBzip2(
  file: Bzip2File,
  program: Bzip2Program | undefined,
  sink: Sink,
  phase: Phase,
  context: RunContext,
): Promise<void> {
  if (program === undefined) return decodeInWorker(file, sink, phase, context)
  const child = startCommand(program.path, program.decodeArgs, context)
  const stderr: Buffer[] = []
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  let sinkFailure: unknown
  let readFailure: unknown
  const feeding = pipeline(compressedBytes(file, phase, context), child.stdin).catch((error) => {
    // A decoder that gives up closes its input, and then its own words count. A file that can't be read is another
    // matter: the decoder would call it cut off, or, at the border between two streams, complete.
    if (!(error instanceof OemBakeError)) return
    readFailure = error
    child.kill('SIGKILL')
  })
  try {
    for await (const bytes of child.stdout) await sink(bytes as Buffer)
  } catch (error) {
    sinkFailure = error
    child.kill('SIGKILL')
  }
  const [result] = await Promise.all([child, feeding])
  if (context.signal.aborted) throw new CancelledError()
  if (sinkFailure !== undefined) throw sinkFailure
  if (readFailure !== undefined) throw readFailure
  if (result.exitCode === 0) return
  const said = lastLines(Buffer.concat(stderr).toString('utf8'))
  if (result.exitCode === undefined) {
    throw new EngineError(
      'ERR_CHILD_FAILED',
      `${program.name} did not finish decoding ${file.name} (${result.signal ?? 'could not be started'}): ${said}`,
      {
        hint: 'run the same command again; if it was killed for memory, use a machine with more',
      },
    )
  }
  throw corrupt(file.name, `${program.name} says: ${said}`)
}

/** The one wording for damage that a decoder found. */
export function corrupt(name: string, words: string): ImageError {
  return new ImageError('ERR_BZIP2_CORRUPT', `${name} is damaged: ${words}`, {
    hint: 'download the image again and check its signature or digest',
  })
}

/**
 * The file's bytes in order, counted.
 *
 * @throws ERR_IO when they can't be read, or end before the size that the file had
 */
export async function* compressedBytes(file: Bzip2File, phase: Phase, context: RunContext): AsyncGenerator<Buffer> {
  let doneBytes = 0
  try {
    for await (const bytes of file.handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 18 })) {
      yield bytes as Buffer
      doneBytes += (bytes as Buffer).length
      context.report({ kind: 'progress', phase, doneBytes, totalBytes: file.sizeBytes })
    }
  } catch (error) {
    throw fileError(error, `read ${file.name} at byte ${doneBytes}`)
  }
  if (doneBytes >= file.sizeBytes) return
  throw new MachineError('ERR_IO', `${file.name} ends at byte ${doneBytes}, expected ${file.sizeBytes} bytes`, {
    hint: 'the file became shorter while it was read; make sure that nothing else writes it',
  })
}
