#!/usr/bin/env node
/** Where the program begins: threads first, then everything else, which is loaded while they start. */
import { startEarlyThreads } from './early.js'

startEarlyThreads(process.argv.slice(2))
const { run } = await import('./main.js')
process.exitCode = await run(process.argv.slice(2))
