/** Vendors' OEM partitions as trees in memory, and what may lie beside their files on a real one. */
import type { ModelNode, ModelTree } from './model-tree.js'
import type { Tree } from './vendor-editions.js'

const root = { uid: 0, gid: 0 }

export const directory = (mode = 0o755): ModelNode => ({ kind: 'directory', mode, ...root })

export function file(content: string | Buffer, mode = 0o644, owner = root): ModelNode {
  return { kind: 'file', bytes: Buffer.from(content), mode, ...owner }
}

export function symlink(target: string, owner = root): ModelNode {
  return { kind: 'symlink', mode: 0o777, target, ...owner }
}

/** With every directory that a path needs. */
export function treeOf(nodes: Readonly<Record<string, ModelNode>>): ModelTree {
  const tree = new Map<string, ModelNode>([['/lost+found', directory(0o700)]])
  for (const [path, node] of Object.entries(nodes)) {
    const names = path.split('/').slice(1, -1)
    names.forEach((_, index) => {
      const parent = `/${names.slice(0, index + 1).join('/')}`
      if (!tree.has(parent)) tree.set(parent, directory())
    })
    tree.set(path, node)
  }
  return new Map([...tree].sort(([left], [right]) => (left < right ? -1 : 1)))
}

export function vendorNodes(tree: Tree): Readonly<Record<string, ModelNode>> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, node]) => {
      if (node === null) return [path, directory()]
      if (typeof node === 'string' || Buffer.isBuffer(node)) return [path, file(node)]
      return [path, file(node.content, node.mode)]
    }),
  )
}
