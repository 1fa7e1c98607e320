/**
 * Errors across the thread's border: class names there, classes here.
 */
import {
  assertNever,
  EngineError,
  ImageError,
  InternalError,
  type OemBakeError,
  RefusedError,
  UnsupportedError,
  UsageError,
} from '../../errors.js'
import type { Fault } from './protocol.js'

/** @param said what the library printed last, for errors that explain themselves badly */
export function toFault(error: unknown, said: readonly string[]): Fault {
  if (error instanceof EngineError) return { kind: 'engine', code: error.code, ...partsOf(error) }
  if (error instanceof ImageError) return { kind: 'image', code: error.code, ...partsOf(error) }
  if (error instanceof RefusedError) return { kind: 'refused', code: error.code, ...partsOf(error) }
  if (error instanceof UnsupportedError) return { kind: 'unsupported', code: error.code, ...partsOf(error) }
  if (error instanceof UsageError) return { kind: 'usage', code: error.code, ...partsOf(error) }
  if (error instanceof InternalError) return { kind: 'internal', code: error.code, ...partsOf(error) }
  const reason = error instanceof Error ? error.message : String(error)
  return {
    kind: 'engine',
    code: 'ERR_EMBEDDED',
    message: `the embedded engine broke off: ${[reason, ...said].join('; ')}`,
    hint: 'use --engine libguestfs',
    details: {},
  }
}

function partsOf(error: OemBakeError): Pick<Fault, 'message' | 'hint' | 'details'> {
  return { message: error.message, hint: error.hint, details: error.details }
}

export function fromFault(fault: Fault): OemBakeError {
  const options = { hint: fault.hint, details: fault.details }
  switch (fault.kind) {
    case 'engine':
      return new EngineError(fault.code, fault.message, options)
    case 'image':
      return new ImageError(fault.code, fault.message, options)
    case 'refused':
      return new RefusedError(fault.code, fault.message, options)
    case 'unsupported':
      return new UnsupportedError(fault.code, fault.message, options)
    case 'usage':
      return new UsageError(fault.code, fault.message, options)
    case 'internal':
      return new InternalError(fault.code, fault.message, options)
    default:
      return assertNever(fault)
  }
}
