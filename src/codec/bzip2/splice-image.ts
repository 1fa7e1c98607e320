/**
 * Writes an image by splicing: from what changed to a file on the disk that has been read back.
 */
import { type EditedDevice, FileDevice } from '../../byte-device.js'
import { fileError, InternalError, PostCheckError } from '../../errors.js'
import type { RunContext } from '../../progress.js'
import type { FileHash } from '../../source/file-hash.js'
import type { VerifiedImage } from '../../trust/verify.js'
import { compileBlockCodec } from './block-codec.js'
import { BlockDecoder } from './block-decoder.js'
import { BlockEncoder } from './block-encoder.js'
import type { BlockIndex } from './block-index.js'
import type { BlockMap } from './block-map.js'
import { BlockChain } from './chain.js'
import type { RunningCopy } from './copy.js'
import type { ImageWriter } from './image-writer.js'
import { IndependentDecoder } from './independent-decoder.js'
import { readAtFrom } from './read-at.js'
import { type SpliceResult, writeSplice } from './splice.js'
import { assertBlocksHold, assertChainHolds } from './splice-check.js'
import { planSplice, type Replacement } from './splice-plan.js'

/** What was written, for the check. */
interface Written {
  readonly map: BlockMap
  readonly replacements: readonly Replacement[]
  readonly result: SpliceResult
  /** Settles when the new tail is on the disk. */
  readonly synced: Promise<void>
}

export class SplicedImage implements ImageWriter {
  readonly #image: VerifiedImage
  readonly #copy: RunningCopy
  readonly #name: string
  readonly #index: BlockIndex
  readonly #hash: FileHash
  readonly #context: RunContext
  #written: Written | undefined

  /**
   * @param copy of the input, at the target
   * @param hash has hashed the copy by the time of `encode`
   */
  constructor(image: VerifiedImage, copy: RunningCopy, index: BlockIndex, hash: FileHash, context: RunContext) {
    this.#image = image
    this.#copy = copy
    this.#name = copy.path
    this.#index = index
    this.#hash = hash
    this.#context = context
  }

  async encode(edited: EditedDevice): Promise<undefined> {
    const { handle } = this.#copy
    const changed = await edited.changedExtents()
    const firstChange = changed[0]?.offset ?? this.#index.rawSize
    const from = Math.min(firstChange, this.#index.rawSize - 1)
    const map = await this.#index.covering(from, this.#index.rawSize - from)
    const replacements = planSplice(map, changed, edited.size)
    const encoder = new BlockEncoder(compileBlockCodec())
    try {
      const target = { handle, name: this.#name }
      const result = await writeSplice(this.#image.device, map, replacements, edited, encoder, target, this.#context)
      const synced = handle.sync()
      // Waited for in `check`, which reads meanwhile.
      synced.catch(() => undefined)
      this.#written = { map, replacements, result, synced }
    } catch (error) {
      throw fileError(error, `write ${this.#name}`)
    }
  }

  async check(edited: EditedDevice): Promise<string> {
    if (this.#written === undefined) throw new InternalError('ERR_INTERNAL', 'checked before it was written')
    const { map, replacements, result, synced } = this.#written
    const { handle } = this.#copy
    await using decoder = new IndependentDecoder(this.#context.signal)
    try {
      const { size } = await handle.stat()
      if (size !== result.sizeBytes)
        throw new PostCheckError(
          'ERR_CHECK_OUTPUT',
          `the written image has ${size} bytes, expected ${result.sizeBytes}`,
        )
      const written = new FileDevice(handle, size, this.#name)
      const report = (doneBytes: number, totalBytes: number): void =>
        this.#context.report({ kind: 'progress', phase: 'check', doneBytes, totalBytes })
      const blocksHold = assertBlocksHold(result.blocks, written, edited, decoder, report)
      // Should the chain be broken, nobody waits for the blocks.
      blocksHold.catch(() => undefined)
      const sha256 = this.#hash.withNewTail(handle.fd, result.keptBytes, size)
      sha256.catch(() => undefined)
      const chain = new BlockChain(new BlockDecoder(compileBlockCodec()), readAtFrom(handle.fd), size)
      assertChainHolds(result, map, replacements, chain)
      await blocksHold
      await Promise.all([this.#copy.synced, synced])
      return await sha256
    } catch (error) {
      throw fileError(error, `read back ${this.#name}`)
    }
  }
}
