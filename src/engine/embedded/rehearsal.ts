/**
 * Edits, done on a model of the tree first: nothing is written unless all of them can be.
 *
 * A filesystem that fills up, or an edit that can't be done, half way through would leave a spoilt partition. So every
 * edit is tried here, in order, against what the tree will be by then: paths, kinds, symlinks, and the count of free
 * blocks and inodes at each step (upper bounds, capacity.ts).
 *
 * One case that libext2fs gets wrong is found here too and left to libguestfs. It does not know hash trees: on insertion
 * it drops the index and treats the directory as linear, which is valid. But with metadata checksums and a tree of more
 * than one level it leaves inner blocks without room for their checksum; e2fsck then calls the directory corrupt
 * (measured with 1 KiB blocks and 12 000 entries; one level is clean).
 */
import { EngineError, RefusedError, UnsupportedError, UsageError } from '../../errors.js'
import { formatBytes } from '../../units.js'
import { extentBlocks, fileBlocks, indirectBlocks } from './capacity.js'
import { entryBytes, NEW_DIRECTORY_BYTES } from './directory.js'
import { FLAG_EXTENTS } from './inode.js'
import { corrupt } from './library-errors.js'
import { decodeName, encodeName } from './names.js'
import type { WorkerEdit } from './protocol.js'
import { childPath, rootOf } from './tree.js'
import type { MountedVolume } from './volume.js'

const MAX_NAME_BYTES = 255
const SECTOR_BYTES = 512
/** `i_block`: a shorter target lies in the inode. */
const INLINE_TARGET_BYTES = 60

interface ModelDirectory {
  readonly kind: 'directory'
  readonly path: string
  /** Undefined for one that an edit makes. */
  readonly inodeNumber: number | undefined
  readonly hasExtents: boolean
  /** Undefined until looked at. */
  children: Map<string, ModelNode> | undefined
  gaps: number[]
  blocks: number
  indexLevels: number
}

interface ModelLeaf {
  readonly kind: 'file' | 'symlink' | 'other'
  readonly path: string
  /** What its removal gives back at least. */
  readonly blocks: number
  readonly links: number
  readonly inodeNumber: number | undefined
}

type ModelNode = ModelDirectory | ModelLeaf

/**
 * @returns those edits that replace a file which will be there by then
 * @throws ERR_OEM_FULL | ERR_OEM_SYMLINK | ERR_NOT_A_REGULAR_FILE | ERR_OEM_PATH_INVALID | ERR_ENGINE_CANNOT_SERVE |
 * ERR_EMBEDDED | ERR_FILESYSTEM_CORRUPT
 */
export async function rehearse(volume: MountedVolume, edits: readonly WorkerEdit[]): Promise<ReadonlySet<WorkerEdit>> {
  const rehearsal = new Rehearsal(volume, await modelRoot(volume))
  for (const edit of edits) await rehearsal.take(edit)
  rehearsal.assertRoom()
  return rehearsal.replacing
}

async function modelRoot(volume: MountedVolume): Promise<ModelDirectory> {
  const { inode, inodeNumber } = await rootOf(volume)
  return existingDirectory('/', inodeNumber, inode.flags)
}

function existingDirectory(path: string, inodeNumber: number, flags: number): ModelDirectory {
  const hasExtents = (flags & FLAG_EXTENTS) !== 0
  return { kind: 'directory', path, inodeNumber, hasExtents, children: undefined, gaps: [], blocks: 0, indexLevels: 0 }
}

class Rehearsal {
  readonly replacing = new Set<WorkerEdit>()
  readonly #volume: MountedVolume
  readonly #root: ModelDirectory
  /** Names of inodes with several that are gone so far: their blocks come back with the last. */
  readonly #removedLinks = new Map<number, number>()
  #usedBlocks = 0
  #usedInodes = 0
  /** The worst moment. */
  #mostBlocks = 0
  #mostInodes = 0

  constructor(volume: MountedVolume, root: ModelDirectory) {
    this.#volume = volume
    this.#root = root
  }

  async take(edit: WorkerEdit): Promise<void> {
    const { parent, name } = await this.#parentOf(edit.path)
    const children = await this.#children(parent)
    const existing = children.get(name)
    switch (edit.kind) {
      case 'make-directory': {
        if (existing?.kind === 'symlink') throw throughSymlink(edit.path, existing.path)
        if (existing !== undefined) throw cannot(`make the directory ${edit.path}`, 'it exists already')
        this.#addEntry(parent, name)
        const { hasExtents, blockBytes } = this.#volume.geometry
        this.#use(1, 1)
        children.set(name, {
          ...existingDirectory(edit.path, 0, hasExtents ? FLAG_EXTENTS : 0),
          inodeNumber: undefined,
          children: new Map(),
          gaps: [blockBytes - NEW_DIRECTORY_BYTES],
          blocks: 1,
        })
        return
      }
      case 'write-file': {
        if (existing?.kind === 'symlink') throw throughSymlink(edit.path, existing.path)
        if (existing !== undefined && existing.kind !== 'file') {
          throw new RefusedError('ERR_NOT_A_REGULAR_FILE', `${edit.path} exists and is no regular file`, {
            hint: 'remove it first, or choose another path',
            details: { path: edit.path, kind: existing.kind },
          })
        }
        if (existing !== undefined) {
          this.replacing.add(edit)
          this.#removeLeaf(parent, name, existing)
        }
        this.#addEntry(parent, name)
        const blocks = fileBlocks(edit.sizeBytes, this.#volume.geometry.blockBytes)
        this.#use(blocks, 1)
        children.set(name, { kind: 'file', path: edit.path, blocks, links: 1, inodeNumber: undefined })
        return
      }
      case 'make-symlink': {
        if (existing !== undefined) throw cannot(`make the symbolic link ${edit.path}`, 'the name is taken')
        this.#addEntry(parent, name)
        const blocks = encodeName(edit.target).length < INLINE_TARGET_BYTES ? 0 : 1
        this.#use(blocks, 1)
        children.set(name, { kind: 'symlink', path: edit.path, blocks, links: 1, inodeNumber: undefined })
        return
      }
      case 'remove-file':
        if (existing === undefined) throw cannot(`remove ${edit.path}`, 'no such file')
        if (existing.kind === 'directory') throw cannot(`remove ${edit.path}`, 'it is a directory')
        this.#removeLeaf(parent, name, existing)
        children.delete(name)
        return
      case 'remove-directory': {
        const doing = `remove the directory ${edit.path}`
        if (existing === undefined) throw cannot(doing, 'no such directory')
        if (existing.kind !== 'directory') throw cannot(doing, 'it is no directory')
        const inside = await this.#children(existing)
        if (inside.size > 0) throw cannot(doing, `it holds ${[...inside.keys()].slice(0, 3).join(', ')}`)
        this.#use(-existing.blocks, -1)
        parent.gaps.push(entryBytes(encodeName(name).length))
        children.delete(name)
        return
      }
    }
  }

  /** @throws ERR_OEM_FULL */
  assertRoom(): void {
    const { blockBytes, freeBlocks, freeInodes } = this.#volume.geometry
    const details = {
      neededBytes: this.#mostBlocks * blockBytes,
      availableBytes: freeBlocks * blockBytes,
      neededInodes: this.#mostInodes,
      availableInodes: freeInodes,
    }
    const hint = 'leave something out, or remove files that are not needed with --remove'
    if (this.#mostBlocks > freeBlocks) {
      const { neededBytes, availableBytes } = details
      throw new RefusedError(
        'ERR_OEM_FULL',
        `the partition has ${availableBytes} bytes free (${formatBytes(availableBytes)}), and ${neededBytes} (${formatBytes(neededBytes)}) are needed; nothing was written`,
        { hint, details },
      )
    }
    if (this.#mostInodes > freeInodes) {
      throw new RefusedError(
        'ERR_OEM_FULL',
        `the partition has room for ${freeInodes} more files and directories, and ${this.#mostInodes} are needed; nothing was written`,
        { hint, details },
      )
    }
  }

  async #parentOf(path: string): Promise<{ parent: ModelDirectory; name: string }> {
    const names = path.slice(1).split('/')
    const name = names.pop()
    const isBad = (part: string): boolean =>
      part === '' || part === '.' || part === '..' || part.includes('\0') || encodeName(part).length > MAX_NAME_BYTES
    if (!path.startsWith('/') || name === undefined || isBad(name) || names.some(isBad)) {
      throw new UsageError('ERR_OEM_PATH_INVALID', `${JSON.stringify(path)} is not a path that can be edited`, {
        hint: `give an absolute path without empty parts, . and .., each part at most ${MAX_NAME_BYTES} bytes`,
        details: { path },
      })
    }
    let parent = this.#root
    for (const part of names) {
      const child = (await this.#children(parent)).get(part)
      const at = childPath(parent.path, part)
      if (child === undefined) throw cannot(`edit ${path}`, `there is no directory ${at}`)
      if (child.kind === 'symlink') throw throughSymlink(path, at)
      if (child.kind !== 'directory') throw cannot(`edit ${path}`, `${at} is not a directory`)
      parent = child
    }
    return { parent, name }
  }

  async #children(directory: ModelDirectory): Promise<Map<string, ModelNode>> {
    if (directory.children !== undefined) return directory.children
    const children = new Map<string, ModelNode>()
    const { inodeNumber, path } = directory
    if (inodeNumber !== undefined) {
      const { blockBytes } = this.#volume.geometry
      const inode = await this.#volume.inode(inodeNumber)
      const content = await this.#volume.directory(path, inode)
      for (const entry of content.entries) {
        const name = decodeName(entry.name)
        if (children.has(name)) throw corrupt(`the directory ${path} has two entries named ${name}`)
        const child = await this.#volume.inode(entry.inodeNumber)
        const at = childPath(path, name)
        if (child.kind === 'directory') {
          children.set(name, existingDirectory(at, entry.inodeNumber, child.flags))
        } else {
          // Not more than the data alone: an extended attribute block may be shared with others.
          const held = Math.floor((child.sectors * SECTOR_BYTES) / blockBytes)
          const blocks = Math.min(held, Math.ceil(child.sizeBytes / blockBytes))
          const { kind, links } = child
          children.set(name, { kind, path: at, blocks, links, inodeNumber: entry.inodeNumber })
        }
      }
      directory.gaps = [...content.gaps]
      directory.blocks = Math.floor((inode.sectors * SECTOR_BYTES) / blockBytes)
      directory.indexLevels = content.indexLevels
    }
    directory.children = children
    return children
  }

  #removeLeaf(parent: ModelDirectory, name: string, leaf: ModelLeaf): void {
    parent.gaps.push(entryBytes(encodeName(name).length))
    if (leaf.inodeNumber !== undefined && leaf.links > 1) {
      const removed = (this.#removedLinks.get(leaf.inodeNumber) ?? 0) + 1
      this.#removedLinks.set(leaf.inodeNumber, removed)
      if (removed < leaf.links) return
    }
    this.#use(-leaf.blocks, -1)
  }

  #addEntry(directory: ModelDirectory, name: string): void {
    const { blockBytes, hasMetadataChecksums } = this.#volume.geometry
    if (hasMetadataChecksums && directory.indexLevels > 0) {
      throw new UnsupportedError(
        'ERR_ENGINE_CANNOT_SERVE',
        `the directory ${directory.path} has a hash tree of several levels with checksums, which the embedded engine can't add to`,
        { hint: 'use --engine libguestfs' },
      )
    }
    const needed = entryBytes(encodeName(name).length)
    const gap = directory.gaps.findIndex((bytes) => bytes >= needed)
    if (gap !== -1) {
      directory.gaps[gap] = (directory.gaps[gap] ?? 0) - needed
      return
    }
    const mapBlocks = directory.hasExtents ? extentBlocks : indirectBlocks
    // Whether the map had these already is not known; they are few.
    this.#use(1 + mapBlocks(directory.blocks + 1, blockBytes), 0)
    directory.blocks++
    directory.gaps.push(blockBytes - NEW_DIRECTORY_BYTES - needed)
  }

  #use(blocks: number, inodes: number): void {
    this.#usedBlocks += blocks
    this.#usedInodes += inodes
    this.#mostBlocks = Math.max(this.#mostBlocks, this.#usedBlocks)
    this.#mostInodes = Math.max(this.#mostInodes, this.#usedInodes)
  }
}

function throughSymlink(path: string, link: string): RefusedError {
  return new RefusedError(
    'ERR_OEM_SYMLINK',
    `${path} leads through the symbolic link ${link}; links are not followed`,
    {
      hint: `remove the link first with --remove ${link}, or choose another path`,
      details: { path, link },
    },
  )
}

function cannot(doing: string, why: string): EngineError {
  return new EngineError('ERR_EMBEDDED', `the embedded engine could not ${doing}: ${why}; nothing was written`)
}
