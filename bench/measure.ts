/**
 * One run of one command: its time, its memory, what it wrote, and what it left lying about.
 *
 * A shell around it gives the bytes: the kernel adds a child's to its parent's when the child has ended (proc(5), io). A
 * copy made inside the kernel counts like any other (checked with copy_file_range on Linux 6.18).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { CACHE_HOME, OUTPUT, WORK } from './paths.js'
import { ENV } from './programs.js'
import { peakOfTree } from './tree-memory.js'

export interface Run {
  readonly seconds: number
  /** Undefined where nobody looked. */
  readonly peakMiB: number | undefined
  /** Pages made dirty, so bytes on their way to the disk; what pipes carry is not among them. */
  readonly writtenBytes: number
  /** Files other than the output that are there afterwards. */
  readonly leftOver: readonly string[]
  readonly stdout: string
}

const WITH_IO = '"$@"; status=$?; cat /proc/$$/io >&3; exit $status'

export const RUN_ENV = { ...ENV, XDG_CACHE_HOME: CACHE_HOME }

/** Begins with an empty directory, and with nothing waiting to be written to the disk. */
export function cleanUp(): void {
  rmSync(WORK, { recursive: true, force: true })
  mkdirSync(WORK, { recursive: true })
  spawnSync('sync')
}

/**
 * @param watchMemory looking at /proc 40 times a second costs a run of half a second a tenth of its time
 * @throws Error when the command ends with anything but 0
 */
export async function measure(name: string, command: readonly string[], watchMemory: boolean): Promise<Run> {
  cleanUp()
  const startMs = performance.now()
  const child = spawn('bash', ['-c', WITH_IO, 'bash', ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: RUN_ENV,
  })
  const [stdout, stderr, io] = [1, 2, 3].map((fd) => collect(child, fd))
  const closed = once(child, 'close')
  const peak = watchMemory ? await peakOfTree(child.pid ?? 0, closed, 'descendants') : undefined
  await closed
  const seconds = (performance.now() - startMs) / 1000
  const [exitCode] = await closed
  if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}: ${stderr?.()}`)
  const written = /^write_bytes: (\d+)$/m.exec(io?.() ?? '')?.[1]
  if (written === undefined) throw new Error(`${name}: the kernel does not count bytes written (/proc/PID/io)`)
  return {
    seconds,
    peakMiB: peak?.ownMiB,
    writtenBytes: Number(written),
    leftOver: readdirSync(WORK).filter((file) => file !== basename(OUTPUT)),
    stdout: stdout?.() ?? '',
  }
}

/** @returns what has come through one of the child's pipes so far */
function collect(child: ChildProcess, fd: number): () => string {
  const pieces: Buffer[] = []
  const pipe = child.stdio[fd]
  if (pipe !== null && pipe !== undefined && 'read' in pipe) pipe.on('data', (bytes: Buffer) => pieces.push(bytes))
  return () => Buffer.concat(pieces).toString()
}
