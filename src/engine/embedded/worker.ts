/**
 * The embedded engine's worker thread: libext2fs on a partition that is read and written by messages.
 *
 * A thread of its own because WASM can abort, loop or run out of memory on a damaged filesystem, and none of that may
 * reach the process: the session ends the thread. It does one operation after the other and answers each once.
 *
 * The clock of this thread is ours: libext2fs puts `Date.now` into inodes and superblock, and the same edits must give
 * the same bytes at any time.
 */
import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { EngineError, InternalError, RefusedError } from '../../errors.js'
import { applyEdits } from './apply.js'
import { BlockCache, type RemoteDevice } from './block-cache.js'
import { toFault } from './faults.js'
import type { Answer, FromWorker, Operation, ToWorker } from './protocol.js'
import { rehearse } from './rehearsal.js'
import { listTree, lookUp, type TreeNode } from './tree.js'
import { MountedVolume } from './volume.js'

if (parentPort === null) throw new InternalError('ERR_INTERNAL', 'worker.js runs in a worker thread only')
const port = parentPort

let clockMs = 0
Date.now = () => clockMs

/** What the library prints; the end of it may explain an abort. */
const said: string[] = []
const listen = (...parts: unknown[]): void => {
  said.push(parts.map(String).join(' '))
  if (said.length > 5) said.shift()
}
// Bound by the library when it loads, so replaced before.
globalThis.console.log = listen
globalThis.console.warn = listen

/** Resolves the one question that is under way. */
let reply: ((bytes: Uint8Array) => void) | undefined

function ask(question: FromWorker): Promise<Uint8Array> {
  return new Promise((resolve) => {
    reply = resolve
    port.postMessage(question)
  })
}

const remoteDevice = (size: number): RemoteDevice => ({
  size,
  read: (offset, length) => ask({ kind: 'read', offset, length }),
  write: async (offset, bytes) => {
    await ask({ kind: 'write', offset, bytes })
  },
})
let disk: BlockCache | undefined
let mounted: MountedVolume | undefined
/** Set while an operation changes the filesystem. */
let isChanging = false

port.on('message', (message: ToWorker) => {
  if (message.kind === 'reply') reply?.(message.bytes)
  else void answer(message.operation)
})

async function answer(operation: Operation): Promise<void> {
  let result: FromWorker
  try {
    result = { kind: 'answer', answer: await perform(operation) }
  } catch (error) {
    result = { kind: 'fault', fault: toFault(error, said), spoilt: isChanging || mounted === undefined }
  }
  port.postMessage(result)
}

async function perform(operation: Operation): Promise<Answer> {
  if (operation.kind === 'mount') {
    disk = new BlockCache(remoteDevice(operation.deviceBytes), operation.access)
    mounted = await MountedVolume.mount(disk)
    return { kind: 'done' }
  }
  if (mounted === undefined) throw new InternalError('ERR_INTERNAL', 'the filesystem is not open')
  const volume = mounted
  switch (operation.kind) {
    case 'list':
      return { kind: 'entries', entries: await listTree(volume) }
    case 'read': {
      const file = await findFile(volume, operation.path)
      if (file === undefined) return { kind: 'content', bytes: undefined }
      const { sizeBytes } = file.inode
      if (sizeBytes > operation.limitBytes) {
        throw new RefusedError(
          'ERR_FILE_TOO_BIG',
          `${file.path} has ${sizeBytes} bytes, and at most ${operation.limitBytes} are read`,
          { details: { path: file.path, sizeBytes, limitBytes: operation.limitBytes } },
        )
      }
      return { kind: 'content', bytes: await volume.whole(file.path, file.inode) }
    }
    case 'sha256': {
      const file = await findFile(volume, operation.path)
      if (file === undefined) throw new EngineError('ERR_EMBEDDED', `there is no regular file ${operation.path}`)
      const hash = createHash('sha256')
      for await (const piece of volume.content(file.path, file.inode)) hash.update(piece)
      return { kind: 'digest', hex: hash.digest('hex') }
    }
    case 'space': {
      const { blockBytes, totalBlocks, freeBlocks, freeInodes } = volume.geometry
      const totalBytes = totalBlocks * blockBytes
      return { kind: 'space', space: { blockBytes, totalBytes, freeBytes: freeBlocks * blockBytes, freeInodes } }
    }
    case 'apply': {
      const replacing = await rehearse(volume, operation.edits)
      clockMs = operation.timestampSeconds * 1000
      isChanging = true
      await applyEdits(volume, operation.edits, replacing, (edit, offset, length) =>
        ask({ kind: 'read-content', edit, offset, length }),
      )
      await volume.sync()
      isChanging = false
      return { kind: 'done' }
    }
    case 'unmount':
      mounted = undefined
      await volume.library.unmount()
      await disk?.flushAll()
      return { kind: 'done' }
  }
}

/** A regular file that is reached without following a link. */
async function findFile(volume: MountedVolume, path: string): Promise<TreeNode | undefined> {
  const found = await lookUp(volume, path)
  return found.kind === 'found' && found.node.inode.kind === 'file' ? found.node : undefined
}
