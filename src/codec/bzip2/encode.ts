/**
 * Encodes a device into a new bzip2 file with an outside program, on all cores.
 */

import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ByteDevice, readInOrder } from '../../byte-device.js'
import { lastLines, startCommand } from '../../command.js'
import { CancelledError, EngineError, fileError } from '../../errors.js'
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
    let readFailure: unknown
    const feeding = pipeline(decodedBytes(device, context), child.stdin).catch((error) => {
      readFailure = error
      // A half-fed encoder would write a valid but short file.
      child.kill('SIGKILL')
    })
    let writeFailure: unknown
    await drain(child.stdout, handle).catch((error) => {
      writeFailure = error
      child.kill('SIGKILL')
    })
    const [result] = await Promise.all([child, feeding])
    if (context.signal.aborted) throw new CancelledError()
    if (writeFailure !== undefined) throw fileError(writeFailure, `write ${target}`)
    if (result.exitCode !== 0) {
      throw new EngineError(
        'ERR_CHILD_FAILED',
        `${program.name} failed to encode the image (${result.signal ?? `exit code ${result.exitCode}`}): ${lastLines(Buffer.concat(stderr).toString('utf8'))}`,
        {
          hint: 'run the same command again; if it was killed for memory, use a machine with more',
          cause: readFailure,
        },
      )
    }
    if (readFailure !== undefined) throw fileError(readFailure, 'read the edited image')
    await handle.sync()
  } catch (error) {
    throw fileError(error, `write ${target}`)
  } finally {
    await handle.close()
  }
}

async function drain(stdout: Readable, handle: Awaited<ReturnType<typeof open>>): Promise<void> {
  for await (const bytes of stdout) {
    let done = 0
    while (done < (bytes as Buffer).length) {
      const { bytesWritten } = await handle.write(bytes as Buffer, done)
      done += bytesWritten
    }
  }
}

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
