/**
 * What a codec is: compressed bytes on one side, random-access decoded bytes on the other, and the way back.
 *
 * A codec knows nothing of disks. It gives the decoded image as a byte device and, at the end, writes a new file in the
 * same codec that decodes to the edited bytes. `check` reads that file back from the disk and proves it.
 */
import type { ByteDevice, EditedDevice } from '../byte-device.js'
import type { RunContext } from '../progress.js'
import type { Digests } from '../source/file-hash.js'

export type CodecDescription =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'bzip2'
      /** Of the first stream: 1 to 9. */
      readonly level: number
      /**
       * How it was found out which blocks hold what: `cached` from an earlier run on a file of the same digest, `tail`
       * from the end of a file whose digest or signature is checked in this run, `full` with every block decoded and checked.
       */
      readonly index: 'cached' | 'tail' | 'full'
    }

/** What is going to be asked of a decoded image. */
export type DecodePurpose =
  | { readonly kind: 'look' }
  | {
      readonly kind: 'bake'
      /** Where the new file will be written. A codec that copies begins at once. */
      readonly target: string
      /** Other outputs will be asked for, by `another`: what serves all of them stays. @default false */
      readonly others?: boolean
      /** Encode everything anew instead of what changed. */
      readonly recompress: { readonly level: number | undefined } | undefined
      /** What is to be told of input and output beside the output's SHA-256. @default nothing */
      readonly tell?: {
        /** The input's digest, where nothing else asks for it: of an image that is not compressed. */
        readonly inputDigest: boolean
        /** SHA-512 of the output. */
        readonly sha512: boolean
      }
    }

/**
 * How decoded bytes tell their own size: what lets a codec find its way from the end of a file, without decoding all of it.
 * A codec knows no disk formats; whoever does hands this in.
 */
export interface SizeAnchor {
  /** How many of the first bytes `declaredSize` wants. */
  readonly headBytes: number
  /** How many of the last bytes `confirms` wants. */
  readonly endBytes: number
  /** Size of the whole image by its first bytes; undefined when they do not tell. */
  declaredSize(head: Buffer): number | undefined
  /** Whether the last bytes are those of an image of this size. */
  confirms(end: Buffer, size: number): boolean
}

/** Short strings that are worth knowing again when the same file comes back. */
export type ImageNotes = Readonly<Record<string, string>>

/** A new file in the input's codec, on its way. */
export interface ImageOutput {
  /**
   * Writes `edited` to the target.
   *
   * @returns the outside program that encoded it, if one did
   * @throws ERR_DIGEST_MISMATCH before anything of the edit is written
   * @throws ERR_NO_SPACE | ERR_PERMISSION | ERR_IO, ERR_COMPRESSOR_MISSING, ERR_CHILD_FAILED
   */
  encode(edited: EditedDevice): Promise<string | undefined>
  /**
   * Reads the target back, checks that it holds `edited`, and has it on the disk. The input's digests agree by then, as far as
   * there are any.
   *
   * @returns of the file as it lies on disk, with SHA-512 when that is to be told
   * @throws ERR_CHECK_OUTPUT when it does not hold what was meant
   */
  check(edited: EditedDevice): Promise<Digests>
}

/** The input, decoded. As an output, it is the one that its purpose names. */
export interface DecodedImage extends ImageOutput, AsyncDisposable {
  readonly codec: CodecDescription
  /** The decoded bytes; never written. */
  readonly device: ByteDevice
  /** What an earlier run kept of this very file; empty if nothing. */
  readonly notes: ImageNotes
  /** Keeps notes for the next run, with whatever else the codec found out. Never fails. */
  remember(notes: ImageNotes): Promise<void>
  /**
   * Waits until the input is known to be what its digests and signatures say, as far as there are any.
   *
   * @returns the input's digests, where they were taken
   * @throws ERR_DIGEST_MISMATCH
   */
  settled(): Promise<Digests | undefined>
  /** Says that an edit is on its way: whatever takes its time to start may start. */
  expectEdit(): void
  /**
   * One more output beside that of the purpose, made in the same way; several may be under way at once.
   *
   * @param target a codec that copies begins at once
   * @throws what opening for a bake throws of a target
   */
  another(target: string, context: RunContext): Promise<ImageOutput & AsyncDisposable>
}
