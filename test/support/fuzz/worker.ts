/** The thread that cases run in: it may hang, run out of memory or crash, and the fuzzer tells which case it was. */
import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { OemBakeError } from '#src/errors.js'
import { mutationOf } from './mutation.js'
import {
  CASE_BYTES_MAX,
  type FromFuzzThread,
  type FuzzJob,
  type FuzzReport,
  type FuzzThreadStart,
  PROGRESS,
} from './protocol.js'
import { TARGETS } from './targets.js'

if (parentPort === null) throw new Error('this module runs in a worker')
const port = parentPort
const { progress, input }: FuzzThreadStart = workerData
const state = new Int32Array(progress)
const shown = Buffer.from(input)

/** Where it can be looked at again, should the reading of it never end. */
function show(bytes: Buffer): void {
  bytes.copy(shown, 0, 0, CASE_BYTES_MAX)
  Atomics.store(state, PROGRESS.bytes, bytes.length)
  Atomics.add(state, PROGRESS.cases, 1)
}

async function run({ name, seed, runs }: FuzzJob): Promise<FuzzReport> {
  const target = TARGETS.find((candidate) => candidate.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  const seeds = await target.seeds()
  for (const bytes of seeds) await target.read(Buffer.from(bytes))
  port.postMessage({ kind: 'ready' } satisfies FromFuzzThread)
  const outcomes: Record<string, number> = {}
  const details = await fc.check(
    fc.asyncProperty(mutationOf(seeds, target.tokens), fc.boolean(), async (mutated, repaired) => {
      const bytes = repaired && target.repair !== undefined ? target.repair(Buffer.from(mutated)) : mutated
      show(bytes)
      let outcome = 'read'
      try {
        await target.read(bytes)
      } catch (error) {
        if (!(error instanceof OemBakeError) || error.exitCode === 1) throw error
        outcome = error.code
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }),
    { seed, numRuns: runs },
  )
  return {
    outcomes,
    failure: details.failed ? (fc.defaultReportMessage(details)?.slice(0, 4000) ?? 'failed') : undefined,
    input: details.counterexample?.[0].toString('base64').slice(0, 20_000),
  }
}

port.on('message', async (job: FuzzJob) => {
  port.postMessage({ kind: 'done', report: await run(job) } satisfies FromFuzzThread)
})
