/** Where the benchmark keeps its files: everything below build/bench, which is not committed and always safe to delete. */
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')
const BENCH = join(ROOT, 'build', 'bench')

export const CLI = join(ROOT, 'dist', 'oem-bake.js')
/** The images, each beside its version.txt and, in one of two directories, its digest. */
export const IMAGES = join(BENCH, 'images')
/** Images that are made from others; slow to make, so they stay. */
export const MADE = join(BENCH, 'made')
/** Emptied before each run; all that a run makes is made here. */
export const WORK = join(BENCH, 'work')
/** What a run is there to make. */
export const OUTPUT = join(WORK, 'output')
/** What ours publishes beside it, unless it is told not to. */
export const SIDE_FILES: readonly string[] = [`${OUTPUT}.sha256`, `${OUTPUT}.manifest.json`]
/** First outputs of ours, for the judges. */
export const KEPT = join(BENCH, 'outputs')
/** XDG_CACHE_HOME of our runs: nobody else's block maps, and none of an earlier benchmark. */
export const CACHE_HOME = join(BENCH, 'cache')
