/** Runs the command line with every file operation and child process written down, or one of them made to fail. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { CHECKOUT, type RunOptions, type RunResult, startCli } from '../command-line.js'
import { type Aim, keyOf, type LogLine, type OperationKey, ORDER_VARIABLE, type Order } from './aim.js'

/** One file of CommonJS, which is loaded before the first module of the program. @returns its path */
export async function buildPreload(directory: string): Promise<string> {
  const outfile = join(directory, 'preload.cjs')
  await build({
    entryPoints: [fileURLToPath(new URL('preload.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
  })
  return outfile
}

/** A hundred times what a run takes: one that is still going then will go on for ever. */
const LIMIT_MS = 60_000

export interface InjectedRun extends RunResult {
  readonly pid: number
  /** All operations, or the one that was made to fail; empty when there were fewer. */
  readonly operations: readonly LogLine[]
}

/**
 * @param preload what {@link buildPreload} has built; `log` is where it writes down what is done
 * @param aim nothing fails without it
 */
export async function runInjected(
  args: readonly string[],
  { log, preload, roots }: Pick<Order, 'log' | 'roots'> & { readonly preload: string },
  aim: Aim | undefined,
  options: RunOptions = {},
): Promise<InjectedRun> {
  writeFileSync(log, '')
  const order: Order = { roots: { ...roots, 'oem-bake': CHECKOUT.replace(/\/$/, '') }, log, aim }
  try {
    const run = startCli(args, {
      ...options,
      detached: true,
      nodeArgs: ['--require', preload],
      env: { ...options.env, [ORDER_VARIABLE]: JSON.stringify(order) },
    })
    const watchdog = setTimeout(() => process.kill(-run.pid, 'SIGKILL'), LIMIT_MS)
    const result = await run.ended.finally(() => clearTimeout(watchdog))
    const operations = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine)
    return { ...result, pid: run.pid, operations }
  } finally {
    rmSync(log, { force: true })
  }
}

/** How often each operation is called. */
export function countOperations(
  operations: readonly OperationKey[],
): ReadonlyMap<string, { readonly key: OperationKey; readonly count: number }> {
  const counts = new Map<string, { key: OperationKey; count: number }>()
  for (const { operation, place, thread } of operations) {
    const key = { operation, place, thread }
    const known = counts.get(keyOf(key)) ?? { key, count: 0 }
    known.count++
    counts.set(keyOf(key), known)
  }
  return counts
}
