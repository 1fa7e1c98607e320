/**
 * Peak memory of a process tree: what all its processes hold at one moment, sampled from /proc.
 *
 * Proportional set size (proc(5), smaps_rollup `Pss`): pages that several processes share are counted once. qemu, the
 * appliance of libguestfs, is summed apart.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface TreePeak {
  readonly ownMiB: number
  readonly qemuMiB: number
}

const SAMPLE_MS = 50

/** Samples until `done` settles. */
export async function peakOfTree(root: number, done: Promise<unknown>): Promise<TreePeak> {
  let ownKiB = 0
  let qemuKiB = 0
  const sample = (): void => {
    let own = 0
    let qemu = 0
    for (const pid of treeOf(root)) {
      const { name, pssKiB } = memoryOf(pid)
      if (name.startsWith('qemu-system')) qemu += pssKiB
      else own += pssKiB
    }
    ownKiB = Math.max(ownKiB, own)
    qemuKiB = Math.max(qemuKiB, qemu)
  }
  const timer = setInterval(sample, SAMPLE_MS)
  await done.finally(() => clearInterval(timer))
  return { ownMiB: Math.round(ownKiB / 1024), qemuMiB: Math.round(qemuKiB / 1024) }
}

/** A process and all its descendants. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(Number(name))
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found: number[] = []
  for (const queue = [root]; queue.length > 0; ) {
    const pid = queue.pop()
    if (pid === undefined) break
    found.push(pid)
    queue.push(...(children.get(pid) ?? []))
  }
  return found
}

/** proc(5), stat field 4; the command in parentheses before it may hold anything. */
function parentOf(pid: number): number | undefined {
  const stat = readQuietly(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function memoryOf(pid: number): { readonly name: string; readonly pssKiB: number } {
  // The name first: a qemu that ends between the two reads would else count as ours with all its memory.
  const name = readQuietly(`/proc/${pid}/comm`)?.trim()
  const rollup = name === undefined ? undefined : readQuietly(`/proc/${pid}/smaps_rollup`)
  return { name: name ?? '', pssKiB: Number(/^Pss:\s+(\d+) kB$/m.exec(rollup ?? '')?.[1] ?? 0) }
}

/** A process may end between two looks at it. */
function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
