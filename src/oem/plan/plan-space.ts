/**
 * Whether it will fit: an estimate by whole blocks, before anything is written. The engine checks exactly.
 */
import type { OemEntry, OemSpace } from '../../engine/engine.js'
import { RefusedError } from '../../errors.js'
import { formatBytes } from '../../units.js'
import type { Finding } from '../finding.js'
import { TREE_RULES } from './rules.js'

/** Room for Ignition's rewrite of grub.cfg and small repairs on the running machine. */
const SLACK_BYTES = 1024 * 1024
/** Indirect blocks and extent nodes: at most one block of pointers for this many blocks, beyond the first few. */
const BLOCKS_PER_POINTER_BLOCK = 256
const DIRECT_BLOCKS = 12

export interface PlannedSpace {
  readonly freeBytesBefore: number
  /** What is written, in whole blocks. */
  readonly neededBytes: number
  readonly freeBytesAfter: number
}

export interface SpaceQuestion {
  readonly space: OemSpace
  /** Sizes of files that will be written. */
  readonly writtenBytes: readonly number[]
  readonly newDirectories: number
  /** New inodes, directories included; replaced files keep theirs. */
  readonly newInodes: number
  /** What goes or is replaced. */
  readonly freed: readonly OemEntry[]
}

/** @throws ERR_OEM_FULL */
export function planSpace(question: SpaceQuestion): {
  readonly space: PlannedSpace
  readonly findings: readonly Finding[]
} {
  const { blockBytes, freeBytes, freeInodes } = question.space
  const neededBytes =
    sum(question.writtenBytes.map((size) => occupied(size, blockBytes))) + question.newDirectories * blockBytes
  const freedBytes = sum(
    question.freed.map((entry) => (entry.kind === 'directory' ? blockBytes : occupied(entry.sizeBytes, blockBytes))),
  )
  const space = { freeBytesBefore: freeBytes, neededBytes, freeBytesAfter: freeBytes + freedBytes - neededBytes }
  if (space.freeBytesAfter < 0) {
    throw full(
      `the new files need ${formatBytes(neededBytes)}, the OEM partition has ${formatBytes(freeBytes)} free and ${formatBytes(freedBytes)} to gain`,
      { ...space },
    )
  }
  if (freeInodes !== undefined && question.newInodes > freeInodes) {
    throw full(`the new files need ${question.newInodes} inodes, the OEM partition has ${freeInodes} left`, {
      newInodes: question.newInodes,
      freeInodes,
    })
  }
  const findings =
    space.freeBytesAfter < SLACK_BYTES && neededBytes > 0
      ? [
          TREE_RULES.found(
            'oem-nearly-full',
            `only ${formatBytes(space.freeBytesAfter)} stay free on the OEM partition; changing kernel arguments or an OEM extension's update needs room there`,
          ),
        ]
      : []
  return { space, findings }
}

function occupied(sizeBytes: number, blockBytes: number): number {
  const blocks = Math.ceil(sizeBytes / blockBytes)
  const pointers = blocks > DIRECT_BLOCKS ? Math.ceil(blocks / BLOCKS_PER_POINTER_BLOCK) + 1 : 0
  return (blocks + pointers) * blockBytes
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function full(message: string, details: Readonly<Record<string, unknown>>): RefusedError {
  return new RefusedError('ERR_OEM_FULL', message, {
    hint: 'bake fewer or smaller files, or make room with --remove or --existing replace',
    details,
  })
}
