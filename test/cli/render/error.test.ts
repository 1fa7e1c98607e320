import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { errorDocument, errorEvent, errorLines, errorText } from '#src/cli/render/error.js'
import { asOemBakeError, CancelledError, ImageError, MachineError, type OemBakeError, UsageError } from '#src/errors.js'

describe('errorText', () => {
  it('says what happened, and each line of the hint', () => {
    expect(errorText(new UsageError('ERR_USAGE', 'no image was named'))).toBe('error: no image was named')
    expect(errorText(new ImageError('ERR_OEM_LABEL', 'the label is wrong', { hint: 'do this\nor that' }))).toBe(
      'error: the label is wrong\nhint: do this\nhint: or that',
    )
  })

  it('lets nothing from an image reach the terminal as a command', () => {
    const text = errorText(
      new ImageError('ERR_OEM_NOT_FOUND', 'found 1 \x1b]0;title\x07\x1b[2J, 2 \x9b31m', { hint: 'see \x1b[1mthis' }),
    )
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    expect(text).toContain('\\u{1b}[2J')
  })

  it('keeps a path with backslashes as it can be typed', () => {
    expect(errorText(new MachineError('ERR_IO', 'could not read a\\b'))).toBe('error: could not read a\\b')
  })
})

describe('asOemBakeError', () => {
  it('takes what is not ours for a defect of ours, and keeps the cause', () => {
    const cause = new TypeError('x is not a function')
    expect(asOemBakeError(cause)).toMatchObject({ code: 'ERR_INTERNAL', exitCode: 1, message: cause.message, cause })
    expect(asOemBakeError('a string')).toMatchObject({ code: 'ERR_INTERNAL', message: 'a string' })
    expect(asOemBakeError(undefined)).toMatchObject({ code: 'ERR_INTERNAL' })
    expect(asOemBakeError(Object.assign(new TypeError('no'), { code: 'ERR_INVALID_ARG_TYPE' }))).toMatchObject({
      exitCode: 1,
    })
    const ours = new CancelledError()
    expect(asOemBakeError(ours)).toBe(ours)
  })
})

describe('a failed system call that nobody has put into words', () => {
  it('is the problem of the machine, and names the path', async () => {
    const error = await readFile('/nowhere/texts.json').catch((failure) => asOemBakeError(failure))
    expect(error).toMatchObject({ code: 'ERR_NOT_FOUND', exitCode: 7 })
    expect((error as OemBakeError).message).toBe('could not open /nowhere/texts.json: no such file or directory')
  })
})

describe('errorDocument', () => {
  it('says the same as data', () => {
    const error = new ImageError('ERR_GPT_MISSING', 'no table', { hint: 'h', details: { sector: 1 } })
    expect(JSON.parse(JSON.stringify(errorDocument(error)))).toEqual({
      error: { code: 'ERR_GPT_MISSING', exitCode: 4, message: 'no table', hint: 'h', details: { sector: 1 } },
    })
  })
})

describe('errorEvent', () => {
  const error = new ImageError('ERR_GPT_MISSING', 'no\ntable', { hint: 'h', details: { sector: 1 } })
  const fields = { code: 'ERR_GPT_MISSING', exitCode: 4, message: 'no\ntable', hint: 'h', details: { sector: 1 } }

  it('is one line, with the fields of the document', () => {
    const line = errorEvent(error)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(JSON.parse(line)).toEqual({ kind: 'error', ...fields })
    expect(JSON.parse(errorEvent(error, { exitCode: 143, job: 'ec2' }))).toEqual({
      ...{ kind: 'error', job: 'ec2' },
      ...fields,
      exitCode: 143,
    })
  })

  it('is what errorLines writes for a program; people get words, coloured on a terminal', () => {
    expect(errorLines(error, 'json', 'ec2')).toBe(errorEvent(error, { job: 'ec2' }))
    expect(errorLines(error, 'plain', 'e\x1bc2')).toBe('e\\u{1b}c2: error: no\ntable\nhint: h\n')
    expect(errorLines(error, 'coloured')).toBe('\x1b[1;31merror:\x1b[0m no\ntable\nhint: h\n')
  })
})
