/**
 * Which of an artifact's files is the image: the only one, or the only one that looks like a disk. Names don't count, as
 * everywhere; what can't be told is asked for (`input`), never guessed.
 */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { FileDevice } from '../byte-device.js'
import { isErrnoException, UsageError } from '../errors.js'
import { type FileKind, sniff } from '../source/sniff.js'

/** What a bake reads, and what it refuses by its right name, which says more than we could. */
const IMAGES: ReadonlySet<FileKind> = new Set<FileKind>([
  'bzip2',
  'qcow2',
  'qed',
  'vmdk',
  'vhd (dynamic)',
  'vhd (fixed)',
  'vhdx',
  'vdi',
  'disk with a GPT',
  'disk with an MBR',
])

/**
 * @param files of the artifact, relative to where Packer was started
 * @param input the option of that name
 * @returns an absolute path
 * @throws ERR_USAGE when there is none, or more than one
 */
export async function chooseImage(files: readonly string[], input: string | undefined): Promise<string> {
  if (input !== undefined) return resolve(input)
  const [only] = files
  if (only !== undefined && files.length === 1) return resolve(only)
  const kinds = await Promise.all(files.map(async (path) => ({ path, kind: await kindOf(path) })))
  const images = kinds.filter(({ kind }) => kind !== undefined && IMAGES.has(kind))
  const [image] = images
  if (image !== undefined && images.length === 1) return resolve(image.path)
  const listed = kinds.map(({ kind, path }) => `${path} (${kind ?? 'no file'})`).join(', ')
  throw new UsageError(
    'ERR_USAGE',
    `the artifact must have one disk image, but has ${images.length}${listed === '' ? ': it has no files' : `: ${listed}`}`,
    { hint: 'name the image with the option input' },
  )
}

async function kindOf(path: string): Promise<FileKind | undefined> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    return await sniff(new FileDevice(file, size, path))
  } catch (error) {
    // A directory, or a name that is none of this machine's files.
    if (isErrnoException(error)) return undefined
    throw error
  }
}
