/**
 * What libext2fs means by its numbers.
 *
 * Two ranges come back: errno values as WASI counts them, and codes of libext2fs counted from its com_err base
 * (e2fsprogs lib/ext2fs/ext2_err.et.in; the numbering is stable, new codes are added at the end). Only codes that an
 * operation of ours can meet have words here; others keep their number.
 */
import { EngineError, ImageError, type OemBakeError } from '../../errors.js'

/** `EXT2_ET_BASE` */
const EXT2_ET_BASE = 2133571328

/** WASI errno. */
export const ERRNO = { EEXIST: 20, EIO: 29, EISDIR: 31, ENOENT: 44, ENOMEM: 48, ENOSPC: 51, ENOTDIR: 54 } as const

const ERRNO_WORDS: ReadonlyMap<number, string> = new Map([
  [ERRNO.EEXIST, 'it exists already'],
  [ERRNO.EIO, 'input/output error'],
  [ERRNO.EISDIR, 'it is a directory'],
  [ERRNO.ENOENT, 'no such file or directory'],
  [ERRNO.ENOMEM, 'out of memory'],
  [ERRNO.ENOSPC, 'no space left'],
  [ERRNO.ENOTDIR, 'not a directory'],
  [55, 'the directory is not empty'],
])

const OTHER_WORDS: ReadonlyMap<number, string> = new Map([
  [38, 'no room in the directory'],
  [67, 'unsupported features'],
  [68, 'unsupported read-only features'],
  [70, 'out of memory'],
  [72, 'no free block'],
  [73, 'no free inode'],
  [74, 'not a directory'],
  [76, 'no such file or directory'],
  [79, 'the directory exists already'],
  [82, 'the file is too big'],
  [155, 'the file exists already'],
])

/** Codes that mean: what is on the partition makes no sense. */
const CORRUPTION_WORDS: ReadonlyMap<number, string> = new Map([
  [19, 'bad magic number in the superblock'],
  [20, 'unknown revision of the filesystem'],
  [22, "group descriptors can't be read"],
  [24, 'a group descriptor points to a bad block bitmap'],
  [25, 'a group descriptor points to a bad inode bitmap'],
  [26, 'a group descriptor points to a bad inode table'],
  [28, "an inode bitmap can't be read"],
  [30, "a block bitmap can't be read"],
  [32, "an inode table can't be read"],
  [34, 'unexpected block size'],
  [35, 'corrupt directory'],
  [41, 'illegal inode number'],
  [42, 'illegal block number'],
  [53, 'illegal indirect block'],
  [54, 'illegal doubly indirect block'],
  [55, 'illegal triply indirect block'],
  [59, 'a block group has no inode table'],
  [60, 'corrupt superblock'],
  [66, 'the inode lies in a bad block'],
  [78, 'a block of the directory is missing'],
  [95, 'an indirect block is missing'],
  [119, 'corrupt extent header'],
  [120, 'corrupt extent index'],
  [121, 'corrupt extent'],
  [134, 'bad length of an extent'],
  [145, 'bad size of group descriptors'],
  [146, 'the checksum of an inode does not match'],
  [147, 'the checksum of an inode bitmap does not match'],
  [148, 'the checksum of an extent block does not match'],
  [149, 'a directory block has no room for its checksum'],
  [150, 'the checksum of a directory block does not match'],
  [151, 'the checksum of an extended attribute block does not match'],
  [152, 'the checksum of the superblock does not match'],
  [153, 'unknown checksum algorithm'],
  [156, 'the checksum of a block bitmap does not match'],
  [161, 'bad header of an extended attribute block'],
  [166, 'an inode with inline data has a block'],
  [169, 'an inode holds garbage'],
  [174, 'the filesystem is corrupt'],
  [175, 'bad CRC'],
  [177, 'corrupt inode'],
  [181, 'the extent tree has a loop'],
])

/** @returns `unsupported features (libext2fs error 67)` */
export function libraryWords(code: number): string {
  const offset = code - EXT2_ET_BASE
  const words = ERRNO_WORDS.get(code) ?? CORRUPTION_WORDS.get(offset) ?? OTHER_WORDS.get(offset)
  const number = offset > 0 && offset < 256 ? `libext2fs error ${offset}` : `errno ${code}`
  return words === undefined ? number : `${words} (${number})`
}

/**
 * @param doing as a clause: `open /base`
 * @param code what a function of the library returned, made positive
 */
export function libraryError(doing: string, code: number): OemBakeError {
  const details = { libraryCode: code }
  const message = `the embedded engine could not ${doing}: ${libraryWords(code)}`
  return CORRUPTION_WORDS.has(code - EXT2_ET_BASE)
    ? corrupt(message, details)
    : new EngineError('ERR_EMBEDDED', message, { hint: 'use --engine libguestfs', details })
}

/** The filesystem contradicts itself. */
export function corrupt(message: string, details: Readonly<Record<string, unknown>> = {}): ImageError {
  return new ImageError('ERR_FILESYSTEM_CORRUPT', message, {
    hint: 'the image is damaged: verify its signature and download it again; e2fsck -fn on the partition says more',
    details,
  })
}
