/**
 * The directory tree of a mounted filesystem, loaded where it is looked at. Symbolic links are leaves.
 */
import type { OemEntry } from '../engine.js'
import { type Inode, ROOT_INODE } from './inode.js'
import { corrupt } from './library-errors.js'
import { decodeName } from './names.js'
import type { MountedVolume } from './volume.js'

export interface TreeNode {
  readonly path: string
  readonly inodeNumber: number
  readonly inode: Inode
}

/** What a path leads to when no symbolic link is followed. */
export type Lookup =
  | { readonly kind: 'found'; readonly node: TreeNode }
  | { readonly kind: 'missing' }
  /** An inner part of the path is a symbolic link, or a file. */
  | { readonly kind: 'blocked'; readonly by: TreeNode }

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

export async function rootOf(volume: MountedVolume): Promise<TreeNode> {
  const inode = await volume.inode(ROOT_INODE)
  if (inode.kind !== 'directory') throw corrupt('the root is not a directory')
  return { path: '/', inodeNumber: ROOT_INODE, inode }
}

export async function childrenOf(volume: MountedVolume, directory: TreeNode): Promise<TreeNode[]> {
  const { entries } = await volume.directory(directory.path, directory.inode)
  const children: TreeNode[] = []
  for (const { name, inodeNumber } of entries) {
    const path = childPath(directory.path, decodeName(name))
    children.push({ path, inodeNumber, inode: await volume.inode(inodeNumber) })
  }
  return children
}

export async function lookUp(volume: MountedVolume, path: string): Promise<Lookup> {
  let node = await rootOf(volume)
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (node.inode.kind !== 'directory') return { kind: 'blocked', by: node }
    const { entries } = await volume.directory(node.path, node.inode)
    const entry = entries.find((candidate) => decodeName(candidate.name) === name)
    if (entry === undefined) return { kind: 'missing' }
    const { inodeNumber } = entry
    node = { path: childPath(node.path, name), inodeNumber, inode: await volume.inode(inodeNumber) }
  }
  return { kind: 'found', node }
}

/**
 * All that lies below the root, sorted by path in code unit order.
 *
 * @throws ERR_FILESYSTEM_CORRUPT also when a directory is met twice: walking on would never end
 */
export async function listTree(volume: MountedVolume): Promise<OemEntry[]> {
  const entries: OemEntry[] = []
  const root = await rootOf(volume)
  const met = new Set([root.inodeNumber])
  const waiting = [root]
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const child of await childrenOf(volume, directory)) {
      const { path, inode } = child
      if (inode.kind === 'directory') {
        if (met.has(child.inodeNumber)) throw corrupt(`the directory ${path} is reached in two ways`)
        met.add(child.inodeNumber)
        waiting.push(child)
      }
      entries.push({
        path,
        kind: inode.kind,
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        sizeBytes: inode.kind === 'file' ? inode.sizeBytes : 0,
        ...(inode.kind === 'symlink' ? { target: await volume.symlinkTarget(path, inode) } : {}),
      })
    }
  }
  return entries.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0))
}
