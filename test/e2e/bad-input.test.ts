/**
 * Bad input, from the command line to the last trace: each row fails with its exit code, its error code, a message that
 * says where and a hint that says what to do, as text and as JSON; and leaves everything as it was.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { type RunResult, runEnvironment, startCli } from '../support/command-line.js'
import { snapshot, strayTemporaryFiles } from '../support/snapshot.js'
import { BZIP2_ROWS } from './rows/bzip2.js'
import { DISK_ROWS } from './rows/disks.js'
import { FILE_ROWS } from './rows/files.js'
import { HOSTILE_ROWS } from './rows/hostile.js'
import { HANGING_ROW, MACHINE_ROWS } from './rows/machine.js'
import { REQUEST_ROWS } from './rows/requests.js'
import type { Row } from './rows/row.js'

interface ErrorDocument {
  readonly error: {
    readonly code: string
    readonly exitCode: number
    readonly message: string
    readonly hint?: string
    readonly details: unknown
  }
}

/** What the two runs of a row said, and everything that was there before and after. */
interface Outcome {
  readonly json: RunResult
  readonly text: RunResult
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly stray: readonly string[]
}

async function run(row: Row): Promise<Outcome> {
  const sinceMs = Date.now()
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'oem-bake-test-row-')))
  mkdirSync(join(place, 'tmp'))
  const { args, cleanUp, env, ...options } = await row.make(place)
  try {
    const before = snapshot(place)
    const environment = { ...runEnvironment(join(place, 'tmp')), ...env }
    const start = (...more: string[]) => startCli([...args, ...more], { ...options, env: environment })
    // At once: neither publishes anything, so neither can be in the other's way.
    const runs = [start('--json'), start('--progress', 'plain')] as const
    const [json, text] = await Promise.all([runs[0].ended, runs[1].ended])
    // The run has ended: so have its children.
    await untilNothingIsLeft(place, sinceMs, 0)
    const stray = strayTemporaryFiles(runs.map(({ pid }) => pid))
    return { json, text, before, after: snapshot(place), stray }
  } finally {
    cleanUp?.()
    rmSync(place, { recursive: true, force: true })
  }
}

function check(row: Row, { json, text, before, after, stray }: Outcome): void {
  const said = `${json.stdout}\n${text.stderr}`
  expect([json.exitCode, text.exitCode], said).toEqual([row.exitCode, row.exitCode])
  const { error } = JSON.parse(json.stdout) as ErrorDocument
  expect([error.code, error.exitCode]).toEqual([row.code, row.exitCode])
  for (const part of row.says) expect(error.message).toContain(part)
  for (const part of row.hint) expect(error.hint).toContain(part)
  // The same two lines for people; results go to standard output, and there are none.
  expect(text.stdout).toBe('')
  const lines = text.stderr.split('\n')
  expect(lines.filter((line) => line.startsWith('error: '))).toHaveLength(1)
  for (const part of row.says) expect(text.stderr).toContain(part)
  for (const line of (error.hint ?? '').split('\n')) expect(lines).toContain(`hint: ${line}`)
  expect(after).toEqual(before)
  expect(stray).toEqual([])
}

// Started first and looked at last: nearly all of its time is waiting.
let hanging: Promise<Outcome>
beforeAll(() => {
  hanging = run(HANGING_ROW)
  // Reported by the test that awaits it.
  hanging.catch(() => undefined)
})

describe.each([
  ['what is no image, or none that is read', FILE_ROWS],
  ['a damaged bzip2 image', BZIP2_ROWS],
  ['a damaged disk', DISK_ROWS],
  ['an image that was made to do harm', HOSTILE_ROWS],
  ['a request that can not be meant', REQUEST_ROWS],
  ['a machine that lacks something', MACHINE_ROWS],
])('%s is refused and nothing is left behind', (_, rows) => {
  it.each(rows)('$title: $code', async (row) => {
    check(row, await run(row))
  })
})

describe('a hypervisor that says nothing', () => {
  it(`${HANGING_ROW.title}: ${HANGING_ROW.code}`, async () => check(HANGING_ROW, await hanging), 300_000)
})
