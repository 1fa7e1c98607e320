/**
 * Writes an image by splicing: from what changed to a file on the disk that has been read back.
 */
import { type EditedDevice, FileDevice } from '../../byte-device.js'
import { fileError, InternalError, PostCheckError } from '../../errors.js'
import type { RunContext } from '../../progress.js'
import { type Digests, FileHash } from '../../source/file-hash.js'
import type { InputDigest } from '../../trust/input-digest.js'
import type { VerifiedImage } from '../../trust/verify.js'
import { compileBlockCodec } from './block-codec.js'
import { BlockDecoder } from './block-decoder.js'
import { BlockEncoder } from './block-encoder.js'
import type { BlockIndex } from './block-index.js'
import { at, type BlockMap } from './block-map.js'
import { BlockChain } from './chain.js'
import type { RunningCopy } from './copy.js'
import type { ImageWriter } from './image-writer.js'
import type { IndependentDecoder } from './independent-decoder.js'
import { readAtFrom } from './read-at.js'
import { type SpliceResult, writeSplice } from './splice.js'
import { assertSpliceHolds, SecondOpinion } from './splice-check.js'
import { type EncodedReplacement, ReplacementEncoder } from './splice-encode.js'
import { SPLICE_LIMITS, type SpliceLimits } from './splice-limits.js'
import { planSplice, type Replacement } from './splice-plan.js'

/** What was written, for the check. */
interface Written extends SpliceResult {
  readonly map: BlockMap
  readonly replacements: readonly EncodedReplacement[]
  /** Settles when the new bytes are on the disk. */
  readonly synced: Promise<void>
  /** Of the file as read back. */
  readonly digests: Promise<Digests>
}

/** What a splice is made with. */
export interface SpliceParts {
  readonly image: VerifiedImage
  readonly index: BlockIndex
  /** Of the input, at the target. */
  readonly copy: RunningCopy
  /** Has hashed the input once `digest` is settled. */
  readonly hash: FileHash
  readonly digest: InputDigest
  /** SHA-512 of the output is wanted; `hash` takes it of the input then. */
  readonly withSha512: boolean
  /** For the second opinion. */
  readonly decoder: IndependentDecoder
}

export class SplicedImage implements ImageWriter, AsyncDisposable {
  readonly #parts: SpliceParts
  readonly #context: RunContext
  readonly #limits: SpliceLimits
  #written: Written | undefined
  /** Hashes the whole output, where that is worth a thread. */
  #ownHash: FileHash | undefined

  constructor(parts: SpliceParts, context: RunContext, limits = SPLICE_LIMITS) {
    this.#parts = parts
    this.#context = context
    this.#limits = limits
  }

  async encode(edited: EditedDevice): Promise<undefined> {
    const { copy, digest, hash, image, index, withSha512 } = this.#parts
    const { rawSize } = index
    const changed = await edited.changedExtents()
    // A shorter image loses blocks that hold no change, too.
    const from = Math.max(0, Math.min(changed[0]?.offset ?? rawSize, edited.size, rawSize - 1))
    const map = await index.covering(from, rawSize - from)
    const planned = planSplice(map, changed, edited.size)
    if (image.device.size - firstByte(planned, map) >= this.#limits.ownHash)
      this.#ownHash = new FileHash({ withSha512 }, { ...this.#context, report: () => undefined })
    const replacements = await this.#encodeAndCheck(edited, planned, map)
    await copy.done
    try {
      const target = { handle: copy.handle, name: copy.path }
      const result = await writeSplice(image.device, map, replacements, target, this.#limits, this.#context.signal)
      const synced = copy.handle.sync()
      const { keptBytes, sizeBytes } = result
      const digests =
        this.#ownHash?.whole(copy.handle.fd, sizeBytes, copy.path) ??
        digest.settled().then(() => hash.withNewTail(copy.handle.fd, keptBytes, sizeBytes, copy.path))
      // Waited for in `check`.
      synced.catch(() => undefined)
      digests.catch(() => undefined)
      this.#written = { ...result, map, replacements, synced, digests }
    } catch (error) {
      throw fileError(error, `write ${copy.path}`)
    }
  }

  async check(): Promise<Digests> {
    if (this.#written === undefined) throw new InternalError('ERR_INTERNAL', 'checked before it was written')
    const { digests, map, replacements, sizeBytes, synced, untouched } = this.#written
    const { handle, path } = this.#parts.copy
    try {
      const { size } = await handle.stat()
      if (size !== sizeBytes)
        throw new PostCheckError('ERR_CHECK_OUTPUT', `the written image has ${size} bytes, expected ${sizeBytes}`)
      const chain = new BlockChain(new BlockDecoder(compileBlockCodec()), readAtFrom(handle.fd), size, path)
      const written = { device: new FileDevice(handle, size, path), chain, untouched }
      await assertSpliceHolds(this.#parts.image.device, written, map, replacements, this.#context.signal)
      await Promise.all([this.#parts.copy.synced, synced])
      return await digests
    } catch (error) {
      throw fileError(error, `read back ${path}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ownHash?.[Symbol.asyncDispose]()
  }

  /** New blocks, each handed to the second decoder as soon as it is there. */
  async #encodeAndCheck(
    edited: EditedDevice,
    planned: readonly Replacement[],
    map: BlockMap,
  ): Promise<readonly EncodedReplacement[]> {
    const blockEncoder = new BlockEncoder(compileBlockCodec())
    const encoder = new ReplacementEncoder(edited, blockEncoder, this.#limits, this.#context.signal)
    const opinion = new SecondOpinion(edited, this.#parts.decoder)
    const checks: Promise<void>[] = []
    const replacements: EncodedReplacement[] = []
    const totalBytes = planned.reduce((sum, { rawEnd, rawStart }) => sum + rawEnd - rawStart, 0)
    let doneBytes = 0
    for (const replacement of planned) {
      const encoded = await encoder.encode(replacement, map)
      replacements.push(encoded)
      for (const block of encoded.blocks) {
        const check = opinion.assertHolds(block).then(() => {
          doneBytes += block.rawLength
          this.#context.report({ kind: 'progress', phase: 'encode', doneBytes, totalBytes })
        })
        // The first that fails is heard of below.
        check.catch(() => undefined)
        checks.push(check)
      }
    }
    await Promise.all(checks)
    return replacements
  }
}

/** Byte of the file where the first replacement begins. */
function firstByte([first]: readonly Replacement[], { columns }: BlockMap): number {
  return first === undefined ? Number.POSITIVE_INFINITY : Math.floor(at(columns.startBit, first.firstBlock) / 8)
}
