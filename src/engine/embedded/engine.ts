/**
 * The embedded engine: libext2fs, compiled to WebAssembly, in a worker thread. No root, no virtual machine, milliseconds.
 *
 * Serves clean ext2, ext3 and ext4 whose features it knows (serves.ts). The same edits with the same timestamp give the
 * same bytes. An edit that does not fit or can't be done is refused before anything is written (rehearsal.ts); a fault
 * later on leaves the device spoilt, which must then be dropped.
 *
 * Measured 2026-11 on two cores, npm ext2fs 4.2.5, 128 MiB ext4: open, list, four edits, close in 85 ms, of which
 * 65 ms start the thread and WASM; one file of 64 MiB in 0.6 s.
 */

import { filesystemName } from '../../disk/filesystem/probe.js'
import { InternalError, throwIfCancelled, UnsupportedError } from '../../errors.js'
import type {
  EditableVolume,
  EngineContext,
  FileContent,
  FilesystemEditor,
  FilesystemReader,
  OemEdit,
  ReadOnlyVolume,
} from '../engine.js'
import { contentBytes } from './edit-content.js'
import type { Answer, WorkerEdit } from './protocol.js'
import { hasReadOnlyMark, whyNotServed } from './serves.js'
import { type Served, Session } from './session.js'
import { ENGINE_THREAD } from './thread.js'
import { UnmarkedDevice } from './unmarked-device.js'

/** Far more than any sane filesystem needs; a loop in WASM ends here. */
const TIMEOUT_BASE_MS = 120_000
const TIMEOUT_MS_PER_MIB = 500
/** The library's clock is a signed 32-bit count of seconds. */
const MAX_TIMESTAMP_SECONDS = 2 ** 31 - 1

export interface EmbeddedLimits {
  /** For each operation. @default 2 minutes, and half a second for each MiB of the partition */
  readonly operationTimeoutMs?: number
}

/** @throws ERR_ENGINE_CANNOT_SERVE | ERR_FILESYSTEM_CORRUPT | ERR_EMBEDDED | ERR_CANCELLED, and what the device throws */
export async function withEmbeddedEditor<T>(
  volume: EditableVolume,
  context: EngineContext,
  use: (fs: FilesystemEditor) => Promise<T>,
  limits: EmbeddedLimits = {},
): Promise<T> {
  assertServed(volume, 'edit')
  return withSession({ access: 'edit', device: volume.device }, context, limits, (session) =>
    use({ ...readerOf(session), apply: (edits, seconds) => apply(session, edits, seconds) }),
  )
}

/**
 * Never writes to the device, which need not be writable.
 *
 * @throws ERR_ENGINE_CANNOT_SERVE | ERR_FILESYSTEM_CORRUPT | ERR_EMBEDDED | ERR_CANCELLED, and what the device throws
 */
export async function withEmbeddedReader<T>(
  volume: ReadOnlyVolume,
  context: EngineContext,
  use: (fs: FilesystemReader) => Promise<T>,
  limits: EmbeddedLimits = {},
): Promise<T> {
  assertServed(volume, 'read')
  const { device, filesystem } = volume
  const isMarked = filesystem.kind === 'ext' && hasReadOnlyMark(filesystem.roCompat)
  const served = isMarked ? new UnmarkedDevice(device) : device
  return withSession({ access: 'read', device: served }, context, limits, (session) => use(readerOf(session)))
}

async function withSession<T>(
  served: Served,
  context: EngineContext,
  limits: EmbeddedLimits,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  throwIfCancelled(context.signal)
  const partitionMiB = served.device.size / (1 << 20)
  const timeoutMs = limits.operationTimeoutMs ?? TIMEOUT_BASE_MS + partitionMiB * TIMEOUT_MS_PER_MIB
  const thread = context.spareThread?.take() ?? ENGINE_THREAD.start()
  const session = new Session(served, thread, context.signal, timeoutMs)
  try {
    await session.perform({ kind: 'mount', access: served.access, deviceBytes: served.device.size })
    // When this throws there is nothing to unmount for: `apply` has written out all that it did, reading leaves nothing.
    const result = await use(session)
    await session.perform({ kind: 'unmount' })
    return result
  } finally {
    // Not waited for: the thread has nothing left to do, and takes 20 ms to end.
    void session.close()
  }
}

function assertServed(volume: ReadOnlyVolume, access: 'read' | 'edit'): void {
  const reason = whyNotServed(volume.filesystem, access, volume.device.size)
  if (reason === undefined) return
  throw new UnsupportedError(
    'ERR_ENGINE_CANNOT_SERVE',
    `the embedded engine can't ${access} this ${filesystemName(volume.filesystem)}: ${reason}`,
    { hint: 'use --engine libguestfs' },
  )
}

function readerOf(session: Session): FilesystemReader {
  return {
    list: async () => expectAnswer(await session.perform({ kind: 'list' }), 'entries').entries,
    read: async (path, limitBytes) => {
      const { bytes } = expectAnswer(await session.perform({ kind: 'read', path, limitBytes }), 'content')
      return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    },
    sha256: async (path) => expectAnswer(await session.perform({ kind: 'sha256', path }), 'digest').hex,
    space: async () => expectAnswer(await session.perform({ kind: 'space' }), 'space').space,
  }
}

async function apply(session: Session, edits: readonly OemEdit[], timestampSeconds: number): Promise<void> {
  if (!Number.isInteger(timestampSeconds) || timestampSeconds < 0 || timestampSeconds > MAX_TIMESTAMP_SECONDS) {
    throw new UnsupportedError(
      'ERR_ENGINE_CANNOT_SERVE',
      `the embedded engine's clock goes from 0 to ${MAX_TIMESTAMP_SECONDS} seconds since 1970, found ${timestampSeconds}`,
      { hint: 'set SOURCE_DATE_EPOCH within that range, or use --engine libguestfs' },
    )
  }
  const operation = { kind: 'apply', edits: edits.map(workerEdit), timestampSeconds } as const
  expectAnswer(await session.perform(operation, edits.map(contentOf)), 'done')
}

/** Content stays here until it is asked for. */
function workerEdit(edit: OemEdit): WorkerEdit {
  if (edit.kind !== 'write-file') return edit
  const { content, ...rest } = edit
  return { ...rest, sizeBytes: contentBytes(content) }
}

function contentOf(edit: OemEdit): FileContent {
  return edit.kind === 'write-file' ? edit.content : { kind: 'bytes', bytes: new Uint8Array(0) }
}

function expectAnswer<K extends Answer['kind']>(answer: Answer, kind: K): Extract<Answer, { kind: K }> {
  if (!isAnswer(answer, kind)) throw new InternalError('ERR_INTERNAL', `expected ${kind}, found ${answer.kind}`)
  return answer
}

function isAnswer<K extends Answer['kind']>(answer: Answer, kind: K): answer is Extract<Answer, { kind: K }> {
  return answer.kind === kind
}
