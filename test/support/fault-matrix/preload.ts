/**
 * Runs inside the program under test, before it: `node --require preload.cjs dist/oem-bake.js …`, and so in each of its
 * threads. The seam is Node's own: every function by which the program reaches files and processes is replaced by one that
 * writes down the call, or fails the one that is to fail. The program itself has no hook, and is the one that users get.
 *
 * Standalone on purpose (only the list of functions is shared): it is bundled into one CommonJS file.
 */
import childProcess, { type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import workerThreads, { type WorkerOptions } from 'node:worker_threads'
import { type FaultKind, type LogLine, ORDER_VARIABLE, type Order } from './aim.js'
import { DESCRIPTOR_FUNCTIONS, HANDLE_FUNCTIONS, PATH_FUNCTIONS, TWO_PATH_FUNCTIONS } from './operations.js'

/** What goes to worker threads: the order, and one counter for all of them. */
interface Shared {
  readonly order: Order
  readonly calls: Int32Array
}

type Call = (...args: unknown[]) => unknown
type Functions = Record<string, Call | undefined>

/** What our own bookkeeping uses. */
const { appendFileSync, readlinkSync } = fs

const SHARED = 'oem-bake-test-faults'
const THREAD = 'oem-bake-test-thread'
const shared = takeShared()
const { order } = shared
const thread = String(workerThreads.getEnvironmentData(THREAD) ?? 'main')

function takeShared(): Shared {
  const inherited = workerThreads.getEnvironmentData(SHARED) as unknown as Shared | undefined
  if (inherited !== undefined) return inherited
  const fresh: Shared = {
    order: JSON.parse(process.env[ORDER_VARIABLE] ?? '') as Order,
    calls: new Int32Array(new SharedArrayBuffer(4)),
  }
  workerThreads.setEnvironmentData(SHARED, fresh as unknown as workerThreads.Serializable)
  return fresh
}

/** Node's own reading of modules is no operation of the program's. */
const MODULE =
  /\/node_modules\/.*\.(?:js|cjs|mjs|json)$|\/dist\/[^/]+\.js$|\/package\.json$|\/node_modules(?:\/|$)(?!.*\.wasm$)/

function pathOf(value: unknown): string {
  if (typeof value === 'number') return pathOfDescriptor(value)
  const path = value instanceof URL ? fileURLToPath(value) : String(value)
  const descriptor = /^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1]
  return descriptor === undefined ? resolve(path) : pathOfDescriptor(Number(descriptor))
}

function pathOfDescriptor(descriptor: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).replace(/ \(deleted\)$/, '')
  } catch {
    return `descriptor ${descriptor}`
  }
}

/** The same in every run: relative where that can be, without process ids, random names and digests. */
function placeOf(path: string): string {
  const root = Object.entries(order.roots).find(
    ([, directory]) => path === directory || path.startsWith(`${directory}/`),
  )
  return (root === undefined ? path : `${root[0]}${path.slice(root[1].length)}`)
    .replace(/\.oem-bake-[\w.~-]+/g, '.oem-bake-*')
    .replace(/\.\d+-[0-9a-f-]{36}\.tmp/, '*.tmp')
    .replace(/\.\d+\.new\b/, '.*.new')
    .replace(/[0-9a-f]{64}/, '<sha256>')
    .replace(/^\/proc\/\d+\//, '/proc/<pid>/')
}

/** Inside one of Node's functions, and in our own bookkeeping, those that are called are no operations of their own. */
let inside = 0

/** Writes down an operation. @returns how it is to fail, if it is */
function meet(operation: string, ...values: readonly unknown[]): FaultKind | undefined {
  inside++
  try {
    return writeDown(operation, values)
  } finally {
    inside--
  }
}

function writeDown(operation: string, values: readonly unknown[]): FaultKind | undefined {
  const paths = values.map(pathOf)
  if (paths.some((path) => MODULE.test(path))) return undefined
  const place = paths.map(placeOf).join(' to ')
  const line: LogLine = { thread, operation, place, paths }
  const { aim } = order
  if (aim === undefined) {
    appendFileSync(order.log, `${JSON.stringify(line)}\n`)
    return undefined
  }
  if (aim.operation !== operation || aim.place !== place || aim.thread !== thread) return undefined
  if (Atomics.add(shared.calls, 0, 1) + 1 !== aim.nth) return undefined
  appendFileSync(order.log, `${JSON.stringify(line)}\n`)
  return aim.kind
}

/** As Node tells of it: with the path, where it has been given one. */
function failure(kind: FaultKind, operation: string, operand: unknown): NodeJS.ErrnoException {
  const path = typeof operand === 'string' ? operand : undefined
  const message = `${kind}: injected, ${operation}${path === undefined ? '' : ` '${path}'`}`
  return Object.assign(new Error(message), { code: kind, syscall: operation, errno: -1, path })
}

/** The arguments of a read or write from `at` on are (buffer, offset, length, …): asks for half the bytes. */
function halved(args: readonly unknown[], at: number): unknown[] {
  const [buffer, offset, length] = args.slice(at)
  const start = Number(offset ?? 0)
  const asked = Number(length ?? (buffer as Uint8Array).length - start)
  return [...args.slice(0, at), buffer, start, Math.max(1, asked >> 1), ...args.slice(at + 3)]
}

/** Faults that come with no error change the call or its result; those are made here. @returns what to do instead */
function silently(
  kind: FaultKind,
  args: unknown[],
  at: number,
): { readonly args?: unknown[]; readonly none?: true } | undefined {
  if (kind === 'short') return { args: halved(args, at) }
  if (kind === 'nothing') return { none: true }
  return undefined
}

function replaceAll<T extends string>(
  owner: object,
  names: readonly T[],
  make: (name: T, original: Call) => Call,
): void {
  const functions = owner as Functions
  for (const name of names) {
    const original = functions[name]
    if (original !== undefined) functions[name] = Object.assign(make(name, original), original)
  }
}

function atOnce(operation: string, original: Call, operands: number, silent?: number): Call {
  return function (this: unknown, ...args) {
    if (inside > 0) return original.apply(this, args)
    const kind = meet(operation, ...args.slice(0, operands))
    inside++
    try {
      if (kind === undefined) return original.apply(this, args)
      const instead = silent === undefined ? undefined : silently(kind, args, silent)
      if (instead?.none) return 0
      if (instead?.args) return original.apply(this, instead.args)
      if (kind === 'false') return false
      // A close that fails has closed the descriptor all the same.
      if (operation === 'closeSync') original.apply(this, args)
      throw failure(kind, operation, args[0])
    } finally {
      inside--
    }
  }
}

function byCallback(operation: string, original: Call, operands: number, silent?: number): Call {
  return function (this: unknown, ...args) {
    const done = args.at(-1)
    if (inside > 0 || typeof done !== 'function') return original.apply(this, args)
    const kind = meet(operation, ...args.slice(0, operands))
    if (kind === undefined) return original.apply(this, args)
    const instead = silent === undefined ? undefined : silently(kind, args, silent)
    if (instead?.args) return original.apply(this, instead.args)
    const tell = (): void => (instead?.none ? done(null, 0, args[1]) : done(failure(kind, operation, args[0])))
    if (operation === 'close') return original.call(this, args[0], tell)
    process.nextTick(tell)
    return undefined
  }
}

function asPromise(
  operation: string,
  original: Call,
  operands: (self: unknown, args: readonly unknown[]) => readonly unknown[],
  silent?: number,
): Call {
  return async function (this: unknown, ...args) {
    const kind = meet(operation, ...operands(this, args))
    if (kind === undefined) return original.apply(this, args)
    const instead = silent === undefined ? undefined : silently(kind, args, silent)
    if (instead?.none) return { bytesRead: 0, bytesWritten: 0, buffer: args[0] }
    if (instead?.args) return original.apply(this, instead.args)
    if (operation === 'FileHandle.close') await original.apply(this, args)
    throw failure(kind, operation, args[0])
  }
}

/** `read` and `write` take (buffer, offset, length, …) from their second argument on; without a FileHandle, that is. */
const silentAt = (name: string): number | undefined => (name === 'read' || name === 'write' ? 1 : undefined)

const descriptorOf = (handle: unknown): readonly unknown[] => [(handle as fs.promises.FileHandle).fd]
const handleFunction = (name: string, original: Call): Call =>
  asPromise(`FileHandle.${name}`, original, descriptorOf, silentAt(name) === undefined ? undefined : 0)

for (const [names, operands] of [
  [PATH_FUNCTIONS, 1],
  [TWO_PATH_FUNCTIONS, 2],
] as const) {
  replaceAll(fs, names, (name, original) => byCallback(name, original, operands))
  replaceAll(
    fs,
    names.map((name) => `${name}Sync`),
    (name, original) => atOnce(name, original, operands),
  )
  replaceAll(fs.promises, names, (name, original) => asPromise(name, original, (_, args) => args.slice(0, operands)))
}
replaceAll(fs, DESCRIPTOR_FUNCTIONS, (name, original) => byCallback(name, original, 1, silentAt(name)))
replaceAll(
  fs,
  DESCRIPTOR_FUNCTIONS.map((name) => `${name}Sync`),
  (name, original) => atOnce(name, original, 1, silentAt(name.replace('Sync', ''))),
)
const PROTOTYPE_FUNCTIONS = HANDLE_FUNCTIONS.filter((name) => name !== 'close')
let prototypeIsReplaced = false
replaceAll(fs.promises, ['open'], (_, open) => async (...args) => {
  const handle = (await open(...args)) as fs.promises.FileHandle
  if (!prototypeIsReplaced) replaceAll(Object.getPrototypeOf(handle), PROTOTYPE_FUNCTIONS, handleFunction)
  prototypeIsReplaced = true
  replaceAll(handle, ['close'], handleFunction)
  return handle
})

/** Node tells of a program that may not be run by an event; a file that is no program is the way to get that. */
replaceAll(childProcess, ['spawn'], (name, original) => (file, ...args) => {
  const [words] = args
  const kind = meet(Array.isArray(words) && words.includes('--version') ? `${name} for its version` : name, file)
  if (kind === 'EACCES') return original(order.log, ...args)
  const child = original(file, ...args) as ChildProcess
  if (kind === 'killed') child.kill('SIGKILL')
  if (kind === 'killed late') child.stdout?.once('data', () => child.kill('SIGKILL'))
  return child
})

/** Threads start with arguments of their own, and so without this file. */
class Worker extends workerThreads.Worker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    workerThreads.setEnvironmentData(THREAD, basename(String(file)))
    super(file, { ...options, execArgv: [...(options.execArgv ?? []), '--require', __filename] })
  }
}
Object.assign(workerThreads, { Worker })
syncBuiltinESMExports()
