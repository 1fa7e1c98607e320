/**
 * What a codec is: compressed bytes on one side, random-access decoded bytes on the other, and the way back.
 *
 * A codec knows nothing of disks. It gives the decoded image as a byte device and, at the end, writes a new file in the
 * same codec that decodes to the edited bytes. `check` reads that file back from the disk with an independent decoder.
 */
import type { ByteDevice } from '../byte-device.js'

export type CodecDescription =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'bzip2'
      readonly level: number
      readonly streams: number
      readonly blocks: number
      /** Program that decoded it. */
      readonly decoder: string
    }

/** The input, decoded. */
export interface DecodedImage extends AsyncDisposable {
  readonly codec: CodecDescription
  /** The decoded bytes; never written. */
  readonly device: ByteDevice
  /** Path of a file that holds the decoded bytes, for programs that want one. Not to be written. */
  readonly path: string
  /** Path of a copy that is this run's own and may be written; made at the first call. */
  editablePath(): Promise<string>
  /**
   * Writes `edited` to a new file at `target`, in the input's codec, and syncs it.
   *
   * @returns the program that encoded it, if one did
   * @throws ERR_NO_SPACE | ERR_PERMISSION | ERR_IO, ERR_COMPRESSOR_MISSING, ERR_CHILD_FAILED
   */
  encode(edited: ByteDevice, target: string): Promise<string | undefined>
  /**
   * Reads `target` back, decodes it and compares every byte with `edited`.
   *
   * @returns SHA-256 of the file as it lies on disk, lower-case hex
   * @throws ERR_CHECK_OUTPUT when it does not hold what was written
   */
  check(edited: ByteDevice, target: string): Promise<string>
}
