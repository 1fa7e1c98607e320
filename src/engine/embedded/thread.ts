/** The thread that libext2fs runs in. Loading the library takes 0.1 s. */
import { Worker } from 'node:worker_threads'
import { installedFile } from '../../installation.js'
import { ThreadKind } from '../../spare-thread.js'

/** JavaScript heap of the worker; the WASM heap (16 MiB) and the cached pages (16 MiB) come on top. */
const HEAP_MIB = 128

export const ENGINE_THREAD = new ThreadKind(() => {
  const worker = new Worker(installedFile('engine-worker.js'), {
    env: {},
    execArgv: [],
    // Nothing of the library's chatter reaches this process's own streams.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: HEAP_MIB / 8 },
  })
  worker.stdout.resume()
  worker.stderr.resume()
  return worker
})
