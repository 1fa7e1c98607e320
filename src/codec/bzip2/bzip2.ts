/**
 * The bzip2 codec, general path: decode to a sparse temporary file, encode the edited bytes whole, read back.
 */
import { createHash } from 'node:crypto'
import { open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ByteDevice, FileDevice } from '../../byte-device.js'
import { fileError, MachineError, OemBakeError, PostCheckError } from '../../errors.js'
import { InOrderComparison } from '../../in-order.js'
import type { RunContext } from '../../progress.js'
import { SparseWriter } from '../../sparse-file.js'
import type { Workspace } from '../../temp.js'
import type { VerifiedImage } from '../../trust/verify.js'
import { formatBytes } from '../../units.js'
import type { DecodedImage } from '../codec.js'
import { decodeBzip2, WORKER_DECODER } from './decode.js'
import { encodeBzip2 } from './encode.js'
import { type Bzip2Layout, readBzip2Layout } from './layout.js'
import { type Bzip2Program, chooseEncoder, findBzip2Programs } from './programs.js'

/**
 * Opens a bzip2 image; disposing of it closes the decoded file (which goes with the workspace).
 *
 * @param intent what will be asked of it: a bake must be able to encode, so a missing compressor is told before the long work
 * @throws ERR_BZIP2_TRUNCATED | ERR_BZIP2_TRAILING_GARBAGE | ERR_BZIP2_CORRUPT
 * @throws ERR_NO_SPACE before decoding, when the temporary file can't fit
 */
export async function openBzip2(
  image: VerifiedImage,
  intent: 'look' | 'bake',
  workspace: Workspace,
  context: RunContext,
): Promise<DecodedImage> {
  const programs = await findBzip2Programs(context)
  if (intent === 'bake') chooseEncoder(programs)
  context.report({ kind: 'phase', phase: 'scan', detail: image.name })
  const layout = await readBzip2Layout(image.device, image.name, context)
  const [program] = programs
  const decoder = program?.name ?? WORKER_DECODER
  const path = workspace.path('decoded.img')
  await assertRoom(dirname(path), layout, image.device.size, intent)
  const handle = await open(path, 'wx+').catch((error) => {
    throw fileError(error, `create ${path}`)
  })
  try {
    context.report({ kind: 'phase', phase: 'decode', detail: decoder })
    const writer = new SparseWriter(handle, path)
    await decodeBzip2(
      { handle: image.handle, sizeBytes: image.device.size, name: image.name },
      program,
      (bytes) => writer.append(bytes),
      'decode',
      context,
    )
    const size = await writer.finish()
    return {
      codec: { kind: 'bzip2', level: layout.level, streams: layout.streams, blocks: layout.blocks, decoder },
      device: new FileDevice(handle, size, path),
      path,
      // The decoded file is this run's own already.
      editablePath: async () => path,
      encode: async (edited, target) => {
        const encoder = chooseEncoder(programs)
        await encodeBzip2(edited, target, encoder, layout.level, context)
        return encoder.name
      },
      check: (edited, target) => compareDecoded(edited, target, program, context),
      [Symbol.asyncDispose]: () => handle.close().catch(() => undefined),
    }
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw error
  }
}

async function assertRoom(
  directory: string,
  layout: Bzip2Layout,
  compressedBytes: number,
  intent: 'look' | 'bake',
): Promise<void> {
  const needed = layout.denseBytes + (intent === 'bake' ? compressedBytes : 0)
  const { bavail, bsize } = await statfs(directory).catch((error) => {
    throw fileError(error, `look at the space in ${dirname(directory)}`)
  })
  const free = bavail * bsize
  if (free >= needed) return
  throw new MachineError(
    'ERR_NO_SPACE',
    `not enough space in ${dirname(directory)}: about ${formatBytes(needed)} needed, ${formatBytes(free)} free`,
    {
      hint: 'free some space, or point --tmp-dir to a filesystem with more',
      details: { neededBytes: needed, freeBytes: free },
    },
  )
}

async function compareDecoded(
  edited: ByteDevice,
  target: string,
  program: Bzip2Program | undefined,
  context: RunContext,
): Promise<string> {
  const handle = await open(target, 'r').catch((error) => {
    throw fileError(error, `read back ${target}`)
  })
  try {
    const { size } = await handle.stat()
    const comparison = new InOrderComparison(edited)
    const sink = async (bytes: Buffer): Promise<void> => {
      if (!(await comparison.matches(bytes))) throw differs(`near decoded byte ${comparison.position}`)
      context.report({ kind: 'progress', phase: 'check', doneBytes: comparison.position, totalBytes: edited.size })
    }
    // Counted in decoded bytes, whose total is known here: zeros decode for seconds out of a few compressed bytes.
    const uncounted = { ...context, report: () => undefined }
    try {
      await decodeBzip2({ handle, sizeBytes: size, name: 'the written image' }, program, sink, 'check', uncounted)
    } catch (error) {
      if (error instanceof OemBakeError && error.code === 'ERR_BZIP2_CORRUPT') throw differs(error.message, error)
      throw error
    }
    if (!comparison.complete) throw differs(`in length: ${comparison.position} bytes, expected ${edited.size}`)
    const hash = createHash('sha256')
    for await (const bytes of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 }))
      hash.update(bytes as Buffer)
    return hash.digest('hex')
  } catch (error) {
    throw fileError(error, `read back ${target}`)
  } finally {
    await handle.close().catch(() => undefined)
  }
}

function differs(where: string, cause?: unknown): PostCheckError {
  return new PostCheckError('ERR_CHECK_OUTPUT', `the written image differs from what was meant: ${where}`, {
    hint: 'check the disk and the memory of this machine; nothing was published',
    cause,
  })
}
