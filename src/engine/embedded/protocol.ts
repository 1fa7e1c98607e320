/**
 * The messages between the engine and its worker.
 *
 * The engine asks for one operation at a time; while it runs, the worker asks back for bytes of the partition and of the
 * files to write. Only plain data crosses.
 */
import type { EngineCode, ImageCode, InternalCode, RefusedCode, UnsupportedCode, UsageCode } from '../../errors.js'
import type { OemEdit, OemEntry, OemSpace, Owner } from '../engine.js'

/** An edit as the worker gets it: content is asked for in pieces while it is written. */
export type WorkerEdit =
  | Exclude<OemEdit, { readonly kind: 'write-file' }>
  | {
      readonly kind: 'write-file'
      readonly path: string
      readonly mode: number
      readonly sizeBytes: number
      readonly owner?: Owner
    }

export type Operation =
  /** The first one, and only once. */
  | { readonly kind: 'mount'; readonly access: 'read' | 'edit'; readonly deviceBytes: number }
  | { readonly kind: 'list' }
  | { readonly kind: 'read'; readonly path: string; readonly limitBytes: number }
  | { readonly kind: 'sha256'; readonly path: string }
  | { readonly kind: 'space' }
  | { readonly kind: 'apply'; readonly edits: readonly WorkerEdit[]; readonly timestampSeconds: number }
  | { readonly kind: 'unmount' }

export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'entries'; readonly entries: readonly OemEntry[] }
  | { readonly kind: 'content'; readonly bytes: Uint8Array | undefined }
  | { readonly kind: 'digest'; readonly hex: string }
  | { readonly kind: 'space'; readonly space: OemSpace }

/** An error that can cross: its class by name, and plain data. */
export type Fault = {
  readonly message: string
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>
} & (
  | { readonly kind: 'engine'; readonly code: EngineCode }
  | { readonly kind: 'image'; readonly code: ImageCode }
  | { readonly kind: 'refused'; readonly code: RefusedCode }
  | { readonly kind: 'unsupported'; readonly code: UnsupportedCode }
  | { readonly kind: 'usage'; readonly code: UsageCode }
  | { readonly kind: 'internal'; readonly code: InternalCode }
)

export type ToWorker =
  | { readonly kind: 'operation'; readonly operation: Operation }
  /** The reply to a question; a question that can't be answered ends the worker instead. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }

export type FromWorker =
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'read-content'; readonly edit: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** @property spoilt the filesystem is in an unknown state */
  | { readonly kind: 'fault'; readonly fault: Fault; readonly spoilt: boolean }
