/** The child that bakes for Packer: how its failure arrives. */
import { describe, expect, it } from 'vitest'
import { failureText, runBake } from '#src/packer/run-bake.js'
import { rejectsWithCode } from '../support/errors.js'

/** A program that says this, and ends with 7. */
function failing(stderr: string, stdout: string) {
  const said: string[] = []
  const script = `process.stderr.write(${JSON.stringify(stderr)}); process.stdout.write(${JSON.stringify(stdout)}); process.exitCode = 7`
  const program = { file: process.execPath, words: ['-e', script, '--'] }
  const signal = new AbortController().signal
  return { said, outcome: runBake({ program, words: [], env: {}, signal, onLine: (line) => said.push(line) }) }
}

const NOTE = '{"kind":"note","message":"n"}'
const ERROR = '{"kind":"error","code":"ERR_NO_SPACE","exitCode":7,"message":"full","hint":"h"}'

describe('a bake that failed', () => {
  it('says so in its document, or else in the last of its events, which is no progress', async () => {
    for (const stdout of ['', '{"error":{"code":"ERR_NO_SPACE","message":"full","hint":"h"}}']) {
      const { outcome, said } = failing(`${NOTE}\n${ERROR}\n`, stdout)
      expect(failureText(await outcome)).toBe('exit code 7, ERR_NO_SPACE: full\nhint: h')
      expect(said).toEqual([NOTE])
    }
  })

  it('without either is told by what it said instead', async () => {
    const { message } = await rejectsWithCode(failing('Segmentation fault\n', '').outcome, 'ERR_CHILD_FAILED')
    expect(message).toContain('Segmentation fault')
  })
})
