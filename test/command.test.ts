import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assertSucceeded, findProgram, lastLines, runCommand, startCommand } from '#src/command.js'
import { childNames } from './support/children.js'
import { rejectsWithCode } from './support/errors.js'
import { temporaryDirectory } from './support/temp.js'

const directory = temporaryDirectory()
const never = () => new AbortController().signal

describe('runCommand', () => {
  it('gives exit code and both outputs of a program that fails, without throwing', async () => {
    const result = await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'], { signal: never() })
    expect(result).toMatchObject({ exitCode: 3, stdout: 'out', stderr: 'err', missing: false, timedOut: false })
  })

  it('hands arguments over as they are: no shell reads them', async () => {
    const nasty = '$(touch /tmp/x); `id` "\' * \\ \n'
    const result = await runCommand('printf', ['%s|', nasty, ''], { signal: never() })
    expect(result.stdout).toBe(`${nasty}||`)
  })

  it('feeds the input and ends it', async () => {
    expect((await runCommand('cat', [], { signal: never(), input: 'abc' })).stdout).toBe('abc')
    expect((await runCommand('cat', [], { signal: never() })).stdout).toBe('')
  })

  it('gives the child the environment asked for and nothing of ours', async () => {
    const result = await runCommand('/usr/bin/env', [], { signal: never(), env: { ONLY: 'this', GONE: undefined } })
    expect(result.stdout).toBe('ONLY=this')
  })

  it('says that a program is missing', async () => {
    const result = await runCommand(join(directory, 'nowhere'), [], { signal: never() })
    expect(result).toMatchObject({ exitCode: undefined, missing: true })
  })

  it('says which signal ended a program', async () => {
    const result = await runCommand('sh', ['-c', 'kill -SEGV $$'], { signal: never() })
    expect(result).toMatchObject({ exitCode: undefined, signalName: 'SIGSEGV', missing: false })
  })

  it('ends a program that takes too long', async () => {
    const result = await runCommand('sleep', ['600'], { signal: never(), timeoutMs: 50 })
    expect(result.timedOut).toBe(true)
    expect(childNames()).not.toContain('sleep')
  })

  it('throws ERR_CANCELLED and leaves no child when the signal fires', async () => {
    const abort = new AbortController()
    const running = runCommand('sleep', ['600'], { signal: abort.signal })
    abort.abort()
    await rejectsWithCode(running, 'ERR_CANCELLED')
    expect(childNames()).not.toContain('sleep')
  })

  it('throws ERR_CANCELLED when the signal has fired before', async () => {
    await rejectsWithCode(runCommand('sleep', ['600'], { signal: AbortSignal.abort() }), 'ERR_CANCELLED')
    expect(childNames()).not.toContain('sleep')
  })

  it('kills a child that ignores SIGTERM', async () => {
    const abort = new AbortController()
    const child = startCommand('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'], {
      signal: abort.signal,
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    abort.abort()
    const result = await child
    expect(result.signal).toBe('SIGKILL')
  })
})

describe('assertSucceeded', () => {
  it.each([
    ['sh', ['-c', 'exit 2'], /exited with 2: it said nothing/],
    ['sh', ['-c', 'kill -KILL $$'], /was ended by SIGKILL/],
    ['/nowhere/program', [], /could not be started/],
  ] as const)('tells how %s %j ended', async (file, args, wording) => {
    const result = await runCommand(file, args, { signal: never() })
    const error = await rejectsWithCode(() => assertSucceeded(result, 'the program'), 'ERR_CHILD_FAILED')
    expect(error.message).toMatch(wording)
    expect(error.message).not.toContain('undefined')
  })

  it('accepts exit code 0', async () => {
    assertSucceeded(await runCommand('true', [], { signal: never() }), 'true')
  })
})

describe('lastLines', () => {
  it('puts the last lines that say something on one line', () => {
    expect(lastLines('a\n\nb\n  c \nd\n\n')).toBe('b; c; d')
    expect(lastLines(' \n')).toBe('it said nothing')
  })
})

describe('findProgram', () => {
  it('takes the first directory that holds an executable file of the name', async () => {
    const [first, second, third] = ['1', '2', '3'].map((name) => join(directory, name))
    mkdirSync(join(first!, 'tool'), { recursive: true }) // a directory may be "executed" too
    mkdirSync(second!)
    writeFileSync(join(second!, 'tool'), '') // not executable: root may still not run it
    mkdirSync(third!)
    writeFileSync(join(third!, 'tool'), '#!/bin/sh\n')
    chmodSync(join(third!, 'tool'), 0o755)
    expect(await findProgram('tool', { PATH: `${first}:${second}:${third}` })).toBe(join(third!, 'tool'))
  })

  it('finds nothing on an empty PATH, and never looks in relative directories', async () => {
    expect(await findProgram('sh', { PATH: '' })).toBeUndefined()
    expect(await findProgram('package.json', { PATH: '.:' })).toBeUndefined()
  })
})
