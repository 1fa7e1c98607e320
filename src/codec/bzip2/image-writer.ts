/**
 * The two ways of writing a bzip2 image: splicing what changed into a copy, or encoding everything anew.
 */
import type { EditedDevice } from '../../byte-device.js'
import type { Digests } from '../../source/file-hash.js'

export interface ImageWriter {
  /**
   * Writes the target.
   *
   * @returns the outside program that encoded it, if one did
   */
  encode(edited: EditedDevice): Promise<string | undefined>
  /**
   * Reads the target back and proves it; when this ends, it is on the disk.
   *
   * @throws ERR_CHECK_OUTPUT
   */
  check(edited: EditedDevice): Promise<Digests>
}
