/**
 * How many jobs are under way at once: one a core, as far as there is memory for them.
 *
 * A bake's work is in several threads, but seldom in more than one at a time. What it takes beyond what the process has anyway
 * was measured below 200 MB for full-size images (bench/RESULTS.md); an appliance of libguestfs takes 768 MB for itself.
 */
import { availableParallelism } from 'node:os'
import type { EngineChoice } from '../request.js'

const BAKE_BYTES = 256 << 20
const APPLIANCE_BYTES = 1 << 30

export interface Resources {
  readonly cores: number
  /** Free for this process, with the limits of its container. */
  readonly memoryBytes: number
}

export function resourcesHere(): Resources {
  return { cores: availableParallelism(), memoryBytes: process.availableMemory() }
}

/** @param engines of the jobs */
export function jobsAtOnce(
  engines: readonly (EngineChoice | undefined)[],
  { cores, memoryBytes }: Resources = resourcesHere(),
): number {
  const each = engines.includes('libguestfs') ? APPLIANCE_BYTES : BAKE_BYTES
  return Math.max(1, Math.min(cores, Math.floor(memoryBytes / each)))
}
