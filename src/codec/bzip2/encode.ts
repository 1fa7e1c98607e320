/**
 * Encodes a device into a new bzip2 file with an outside program, on all cores.
 */

import { type FileHandle, open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ByteDevice, writeWhole } from '../../byte-device.js'
import { lastLines, startCommand } from '../../command.js'
import { CancelledError, EngineError, fileError, OemBakeError } from '../../errors.js'
import { readInOrder } from '../../in-order.js'
import type { RunContext } from '../../progress.js'
import type { Bzip2Program } from './programs.js'

/**
 * @param level block size in units of 100 000 bytes, 1 to 9
 * @throws ERR_CHILD_FAILED with the program's own words; ERR_NO_SPACE, ERR_PERMISSION, ERR_IO for the target
 */
export async function encodeBzip2(
  device: ByteDevice,
  target: string,
  program: Bzip2Program,
  level: number,
  context: RunContext,
): Promise<void> {
  const handle = await open(target, 'wx').catch((error) => {
    throw fileError(error, `create ${target}`)
  })
  try {
    const child = startCommand(program.path, program.encodeArgs(level), context)
    const stderr: Buffer[] = []
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
    let feedFailure: unknown
    const feeding = pipeline(decodedBytes(device, context), child.stdin).catch((error) => {
      feedFailure = error
      // A half-fed encoder would write a valid but short file.
      child.kill('SIGKILL')
    })
    let writeFailure: unknown
    await drain(child.stdout, handle, target).catch((error) => {
      writeFailure = error
      child.kill('SIGKILL')
    })
    const [result] = await Promise.all([child, feeding])
    if (context.signal.aborted) throw new CancelledError()
    if (writeFailure !== undefined) throw fileError(writeFailure, `write ${target}`)
    // Anything else is the pipe, which only says that the program has ended: its own words are worth more.
    if (feedFailure instanceof OemBakeError) throw feedFailure
    if (result.exitCode !== 0) {
      throw new EngineError(
        'ERR_CHILD_FAILED',
        `${program.name} failed to encode the image (${result.signal ?? `exit code ${result.exitCode}`}): ${lastLines(Buffer.concat(stderr).toString('utf8'))}`,
        {
          hint: 'run the same command again; if it was killed for memory, use a machine with more',
          cause: feedFailure,
        },
      )
    }
    if (feedFailure !== undefined) throw fileError(feedFailure, 'read the edited image')
    await handle.sync()
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw fileError(error, `write ${target}`)
  }
}

async function drain(stdout: Readable, handle: FileHandle, target: string): Promise<void> {
  let position = 0
  for await (const bytes of stdout) {
    await writeWhole(handle, position, bytes as Buffer, target)
    position += (bytes as Buffer).length
  }
}

/**
 * The pipe holds no more than one piece: each is larger than its high-water mark, so that the next one is asked for, and
 * the last one's buffer used again, only when the kernel has taken it all.
 */
async function* decodedBytes(device: ByteDevice, context: RunContext): AsyncGenerator<Buffer> {
  for await (const { offset, bytes } of readInOrder(device)) {
    yield bytes
    context.report({
      kind: 'progress',
      phase: 'encode',
      doneBytes: offset + bytes.length,
      totalBytes: device.size,
    })
  }
}
