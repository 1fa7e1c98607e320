/** Absolute paths in configs: Ignition refuses relative ones, and from spec 3.0.0 on what Go's path.Clean would change. */
import { posix } from 'node:path'
import { type Mapping, stringField } from '../../mapping.js'

export interface PathFault {
  /** Completes "device …". */
  readonly says: string
  readonly hint: string
}

/** @param cleaned whether `/a//b`, `/a/` and `/a/../b` are refused too */
export function pathFault(path: string, cleaned: boolean): PathFault | undefined {
  if (path === '') return { says: 'has no path', hint: 'give an absolute path' }
  if (!path.startsWith('/')) return { says: `path ${path} is relative`, hint: `write /${path}` }
  const clean = cleanPath(path)
  if (!cleaned || clean === path) return undefined
  return { says: `path ${path} is not in its simplest form`, hint: `write ${clean}` }
}

/** As Go's path.Clean: without a slash at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

export function isUnset(value: Mapping, key: string): boolean {
  return (stringField(value, key) ?? '') === ''
}
