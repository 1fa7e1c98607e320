/**
 * Peak memory of a process tree: what all its processes hold at one moment, sampled from /proc.
 *
 * Resident set size (proc(5), status `VmRSS`): a page that two processes share counts twice, so this is never too little.
 * A process's own peak (`VmHWM`), which the kernel keeps between samples, counts when it alone is more.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface TreePeak {
  /** Of the root and its descendants. */
  readonly ownMiB: number
}

const SAMPLE_MS = 25

/**
 * Samples until `done` settles.
 *
 * @param counting the descendants alone, when the root is nothing but a shell around what is measured
 */
export async function peakOfTree(
  root: number,
  done: Promise<unknown>,
  counting: 'all' | 'descendants' = 'all',
): Promise<TreePeak> {
  const parents = new Map<number, number>()
  let peakKiB = 0
  const sample = (): void => {
    let sumKiB = 0
    for (const pid of treeOf(root, parents)) {
      if (pid === root && counting === 'descendants') continue
      const { residentKiB, highWaterKiB } = memoryOf(pid)
      sumKiB += residentKiB
      peakKiB = Math.max(peakKiB, highWaterKiB)
    }
    peakKiB = Math.max(peakKiB, sumKiB)
  }
  const timer = setInterval(sample, SAMPLE_MS)
  await done.finally(() => clearInterval(timer))
  return { ownMiB: Math.ceil(peakKiB / 1024) }
}

/**
 * A process and all its descendants.
 *
 * @param parents of processes seen before: looking at every process of the machine each time would cost what is measured
 */
function treeOf(root: number, parents: Map<number, number>): readonly number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const parent = parents.get(pid) ?? parentOf(pid)
    if (parent === undefined) continue
    parents.set(pid, parent)
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** proc(5), stat field 4; the command in parentheses before it may hold anything. */
function parentOf(pid: number): number | undefined {
  const stat = readQuietly(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function memoryOf(pid: number): { readonly residentKiB: number; readonly highWaterKiB: number } {
  const status = readQuietly(`/proc/${pid}/status`) ?? ''
  const field = (pattern: RegExp): number => Number(pattern.exec(status)?.[1] ?? 0)
  return { residentKiB: field(/^VmRSS:\s+(\d+) kB$/m), highWaterKiB: field(/^VmHWM:\s+(\d+) kB$/m) }
}

/** A process may end between two looks at it. */
function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
