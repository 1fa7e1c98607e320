/**
 * Who baked the image before, for reports; and what is said of an image that nobody of us baked.
 */
import { RefusedError } from '../../errors.js'
import type { OemState } from '../describe.js'
import { ownFiles } from './before.js'
import { HISTORY_PATH, type UsedTemplate } from './history.js'

export type BakedBy =
  | {
      readonly kind: 'oem-bake'
      readonly version: string
      readonly template: UsedTemplate | undefined
      /** Before the first bake. */
      readonly original: { readonly release: string | undefined; readonly vendorSet: string | undefined }
      /** Files that bakes wrote. */
      readonly written: number
      /** Paths of those that were changed since, and of those that are gone. */
      readonly edited: readonly string[]
      readonly missing: readonly string[]
      /** Files that were there before, and are gone or replaced. */
      readonly displaced: number
    }
  /** There is a file in the place of a history, and it is none. */
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'newer'; readonly version: string | undefined }

export function bakedBy(state: OemState): BakedBy | undefined {
  const found = state.history
  if (found === undefined || found.kind !== 'history') return found
  const { history } = found
  const { edited, missing } = ownFiles(state, history)
  return {
    kind: 'oem-bake',
    version: history.version,
    template: history.template,
    original: { release: history.original.release, vendorSet: history.original.vendorSet },
    written: history.written.length,
    edited: edited.map(({ path }) => path),
    missing: missing.map(({ path }) => path),
    displaced: history.displaced.filter(({ kind }) => kind !== 'directory').length,
  }
}

/** @param version of the oem-bake that wrote it */
export function newerHistory(version: string | undefined): RefusedError {
  const by = version === undefined ? 'a newer oem-bake' : `oem-bake ${version}`
  return new RefusedError(
    'ERR_HISTORY_NEWER',
    `${by} baked this image: its history ${HISTORY_PATH} has a form that this version can't read`,
    {
      hint: 'use that version of oem-bake or a newer one, or start from the original image',
      details: { path: HISTORY_PATH, version },
    },
  )
}

export function notBaked(reason: string): RefusedError {
  return new RefusedError('ERR_NOT_BAKED', `this image was not baked by oem-bake: ${reason}`, {
    hint: 'there is nothing to take back; oem-bake inspect IMAGE shows what its OEM partition holds',
  })
}
