/**
 * Makes the nth file operation of a piece of code fail, by replacing the methods of FileHandle and the functions of
 * node:fs/promises for its duration. What is counted is what the code under test calls, streams of a FileHandle included.
 */
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const HANDLE_METHODS = ['read', 'write', 'sync', 'truncate', 'stat'] as const
const FUNCTIONS = ['open', 'link', 'rename', 'unlink', 'statfs', 'writeFile'] as const
/** An own property of every handle, so that it is replaced when one is opened. */
const CLOSE = 'close'

export type Operation = (typeof HANDLE_METHODS)[number] | (typeof FUNCTIONS)[number] | typeof CLOSE

export interface Fault {
  /** An errno, or: read or write fewer bytes than asked for (`short`), none (`nothing`). */
  readonly kind: 'EIO' | 'ENOSPC' | 'EACCES' | 'EPERM' | 'EXDEV' | 'EEXIST' | 'short' | 'nothing'
  /** Which call, counted from 1 over all of `operations`. */
  readonly nth: number
  readonly operations: readonly Operation[]
}

export interface FaultReport {
  /** The operation that was made to fail; undefined when there were fewer calls. */
  readonly fired: Operation | undefined
  /** What the code threw. */
  readonly failure: unknown
}

type Method = (...args: unknown[]) => Promise<unknown>

export async function withFault(fault: Fault, attempt: () => Promise<unknown>): Promise<FaultReport> {
  let calls = 0
  let fired: Operation | undefined
  const replace = (owner: Record<string, Method>, operation: Operation): (() => void) => {
    const original = owner[operation]
    if (original === undefined) throw new Error(`no ${operation}`)
    owner[operation] = async function (this: unknown, ...args: unknown[]) {
      if (!fault.operations.includes(operation)) return original.apply(this, args)
      calls++
      if (calls !== fault.nth) return original.apply(this, args)
      fired = operation
      if (fault.kind === 'nothing') return { bytesRead: 0, bytesWritten: 0, buffer: args[0] }
      if (fault.kind === 'short') return original.apply(this, shortened(args))
      // A close that fails has closed the descriptor all the same.
      if (operation === CLOSE) await original.apply(this, args)
      throw Object.assign(new Error(`${fault.kind}: injected, ${operation}`), { code: fault.kind, syscall: operation })
    }
    return () => {
      owner[operation] = original
    }
  }
  const prototype = await fileHandlePrototype()
  const openFile = fs.open
  fs.open = async (...args) => {
    const handle = await openFile(...args)
    replace(handle as unknown as Record<string, Method>, CLOSE)
    return handle
  }
  const undo = [
    () => {
      fs.open = openFile
    },
    ...HANDLE_METHODS.map((operation) => replace(prototype, operation)),
    ...FUNCTIONS.map((operation) => replace(fs as unknown as Record<string, Method>, operation)),
  ]
  syncBuiltinESMExports()
  let failure: unknown
  try {
    await attempt()
  } catch (error) {
    failure = error
  } finally {
    for (const restore of undo.reverse()) restore()
    syncBuiltinESMExports()
  }
  return { fired, failure }
}

/** Asks for half the bytes: `read` and `write` take (buffer, offset, length, position). */
function shortened(args: readonly unknown[]): unknown[] {
  const [buffer, offset, length, ...rest] = args
  const start = Number(offset ?? 0)
  const asked = Number(length ?? (buffer as Buffer).length - start)
  return [buffer, start, Math.max(1, asked >> 1), ...rest]
}

async function fileHandlePrototype(): Promise<Record<string, Method>> {
  const handle: FileHandle = await fs.open('/dev/null', 'r')
  try {
    return Object.getPrototypeOf(handle) as Record<string, Method>
  } finally {
    await handle.close()
  }
}
