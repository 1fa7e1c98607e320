/**
 * Which files a command opens for writing, whatever becomes of them: by strace, in a run that is not timed.
 *
 * A file that ends as the output, as one of the two that are published beside it, or as an entry of our cache, under whatever name it was begun, is what is meant to be
 * written; devices and pipes are no files. What remains should be nothing.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { CACHE_HOME, OUTPUT, SIDE_FILES } from './paths.js'

/** All that open a file or give it another name. */
const CALLS = 'trace=open,openat,openat2,creat,rename,renameat,renameat2,link,linkat'
const OPENED = /^(?:open(?:at2?)?|creat)\((?:[^,"]+, )?"([^"]*)", (.*)\) = \d+$/
const RENAMED = /^(?:rename|link)(?:at2?)?\((?:[^,"]+, )?"([^"]*)", (?:[^,"]+, )?"([^"]*)".*\) = 0$/
const FOR_WRITING = /O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE/
const NO_FILES = ['/dev/', '/proc/', '/sys/']

export interface TracedRun {
  /** As they were opened. */
  readonly otherFiles: readonly string[]
  readonly stdout: string
}

/** @throws Error when the command, or strace, fails */
export function traceWrites(command: readonly string[], env: NodeJS.ProcessEnv): TracedRun {
  const traces = mkdtempSync(join(tmpdir(), 'bench-traces-'))
  try {
    // A file for each thread, so that no line is cut in two by another's.
    const args = ['-ff', '-qq', '--seccomp-bpf', '-e', CALLS, '-o', join(traces, 'thread'), ...command]
    // What goes through io_uring is no system call that strace sees.
    const traced = spawnSync('strace', args, { encoding: 'utf8', env: { ...env, UV_USE_IO_URING: '0' } })
    if (traced.status !== 0) throw new Error(`${command.join(' ')} under strace: ${traced.stderr}`)
    const lines = readdirSync(traces).flatMap((name) => readFileSync(join(traces, name), 'utf8').split('\n'))
    return { otherFiles: otherFiles(lines), stdout: traced.stdout }
  } finally {
    rmSync(traces, { recursive: true })
  }
}

function otherFiles(lines: readonly string[]): readonly string[] {
  const opened = new Set<string>()
  const becomes = new Map<string, string>()
  for (const line of lines) {
    const [, path, flags = ''] = OPENED.exec(line) ?? []
    if (path !== undefined && (line.startsWith('creat') || FOR_WRITING.test(flags))) opened.add(path)
    const [, from, to] = RENAMED.exec(line) ?? []
    if (from !== undefined && to !== undefined) becomes.set(from, to)
  }
  if (opened.size === 0) throw new Error('strace saw no file opened for writing, not even the output')
  return [...opened].filter((path) => !isMeant(becomes.get(path) ?? path))
}

function isMeant(path: string): boolean {
  const isPublished = path === OUTPUT || SIDE_FILES.includes(path)
  return isPublished || path.startsWith(CACHE_HOME + sep) || NO_FILES.some((start) => path.startsWith(start))
}
