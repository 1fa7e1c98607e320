/** The thread that files are hashed in. */
import { Worker } from 'node:worker_threads'
import { installedFile } from '../installation.js'
import { ThreadKind } from '../spare-thread.js'

// Flags of the program that uses us (--eval, --input-type) may not suit a worker.
export const HASH_THREAD = new ThreadKind(() => new Worker(installedFile('hash-worker.js'), { execArgv: [] }))
