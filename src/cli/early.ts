/**
 * What takes its time to start and is wanted nearly always: begun before all other modules are loaded, on another core.
 *
 * Imported first of all by `main.ts`. Without any word but flags there is no image, and nothing to start.
 */
import { startSpareThreadEarly } from '../engine/embedded/thread.js'

if (process.argv.slice(2).some((word) => !word.startsWith('-'))) startSpareThreadEarly()
