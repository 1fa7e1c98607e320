/**
 * Writes an image by encoding all of it anew with an outside program: for another level, or for whoever wants no splice.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { type EditedDevice, piecesOf } from '../../byte-device.js'
import { fileError, OemBakeError, PostCheckError, throwIfCancelled } from '../../errors.js'
import { InOrderComparison, PIECE_BYTES } from '../../in-order.js'
import type { RunContext } from '../../progress.js'
import { type Digests, FileHash } from '../../source/file-hash.js'
import { extent } from '../../units.js'
import { compileBlockCodec } from './block-codec.js'
import { BlockDecoder } from './block-decoder.js'
import { BlockReader } from './block-reader.js'
import { BlockChain } from './chain.js'
import { encodeBzip2 } from './encode.js'
import { indexWhole } from './full-index.js'
import type { ImageWriter } from './image-writer.js'
import { type Bzip2Program, chooseEncoder, findBzip2Programs } from './programs.js'
import { readAtFrom } from './read-at.js'

export interface RecompressOptions {
  readonly target: string
  /** 1 to 9. */
  readonly level: number
  /** SHA-512 of the output is wanted. */
  readonly withSha512: boolean
}

export class RecompressedImage implements ImageWriter {
  readonly #target: string
  readonly #program: Bzip2Program
  readonly #level: number
  readonly #withSha512: boolean
  readonly #context: RunContext

  private constructor(options: RecompressOptions, program: Bzip2Program, context: RunContext) {
    this.#target = options.target
    this.#level = options.level
    this.#withSha512 = options.withSha512
    this.#program = program
    this.#context = context
  }

  /** @throws ERR_COMPRESSOR_MISSING before the long work */
  static async prepare(options: RecompressOptions, context: RunContext): Promise<RecompressedImage> {
    return new RecompressedImage(options, chooseEncoder(await findBzip2Programs(context)), context)
  }

  async encode(edited: EditedDevice): Promise<string> {
    await encodeBzip2(edited, this.#target, this.#program, this.#level, this.#context)
    return this.#program.name
  }

  /** By our own decoder, which is not of the program's family. */
  async check(edited: EditedDevice): Promise<Digests> {
    const handle = await open(this.#target, 'r').catch((error) => {
      throw fileError(error, `read back ${this.#target}`)
    })
    try {
      const { size } = await handle.stat()
      await using hash = new FileHash({ withSha512: this.#withSha512 }, this.#context)
      const digests = hash.whole(handle.fd, size, this.#target)
      digests.catch(() => undefined)
      await this.#compare(handle, size, edited)
      return await digests
    } catch (error) {
      throw fileError(error, `read back ${this.#target}`)
    } finally {
      await handle.close().catch(() => undefined)
    }
  }

  async #compare(handle: FileHandle, sizeBytes: number, edited: EditedDevice): Promise<void> {
    const name = `the written image ${this.#target}`
    const decoder = new BlockDecoder(compileBlockCodec())
    const chain = new BlockChain(decoder, readAtFrom(handle.fd), sizeBytes, name)
    const map = await indexWhole({ fd: handle.fd, sizeBytes, name }, this.#context).catch((error) => {
      throw error instanceof OemBakeError && error.exitCode === 4 ? differs(error.message, error) : error
    })
    if (map.rawEnd !== edited.size) throw differs(`in length: ${map.rawEnd} bytes, expected ${edited.size}`)
    const comparison = new InOrderComparison(edited)
    const reader = new BlockReader(chain, decoder, name)
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
    for (const { offset, length } of piecesOf(extent(0, map.rawEnd), PIECE_BYTES)) {
      throwIfCancelled(this.#context.signal)
      const bytes = buffer.subarray(0, length)
      reader.read(map, offset, bytes)
      if (!(await comparison.matches(bytes))) throw differs(`near decoded byte ${offset}`)
      this.#context.report({ kind: 'progress', phase: 'check', doneBytes: offset + length, totalBytes: edited.size })
    }
  }
}

function differs(where: string, cause?: unknown): PostCheckError {
  return new PostCheckError('ERR_CHECK_OUTPUT', `the written image differs from what was meant: ${where}`, {
    hint: 'check the disk and the memory of this machine; nothing was published',
    cause,
  })
}
