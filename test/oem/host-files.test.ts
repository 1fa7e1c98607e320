import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { isFile, loadFile } from '#src/oem/host-files.js'
import { rejectsWithCode } from '../support/errors.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const original = fs.stat

/** Does something to a file right after it was looked at. */
function afterStat(meddle: () => void): void {
  fs.stat = (async (path: string) => {
    const found = await original(path)
    meddle()
    return found
  }) as typeof fs.stat
  syncBuiltinESMExports()
}

afterEach(() => {
  fs.stat = original
  syncBuiltinESMExports()
})

describe('loadFile', () => {
  it.each([0, 1, (1 << 20) + 5])('refuses a big file that is cut to %d bytes while it is read', async (length) => {
    const path = join(directory, `agent-${length}`)
    writeFileSync(path, noise((1 << 20) + 6))
    afterStat(() => truncateSync(path, length))
    const error = await rejectsWithCode(loadFile(path, '--file'), 'ERR_INPUT_FILE')
    expect(error.message).toBe(`--file ${path} had 1048582 bytes, and ${length} when it was read`)
  })
})

describe('isFile', () => {
  it('knows what is there and what is not', async () => {
    const path = join(directory, 'file')
    writeFileSync(path, '')
    mkdirSync(join(directory, 'folder'))
    expect(await isFile(path)).toBe(true)
    for (const name of ['folder', 'nothing', 'file/below'])
      expect(await isFile(join(directory, name)), name).toBe(false)
  })

  it('does not take what it may not look at for absent', async () => {
    fs.stat = (async () => {
      throw Object.assign(new Error('EIO: injected'), { code: 'EIO' })
    }) as typeof fs.stat
    syncBuiltinESMExports()
    const error = await rejectsWithCode(isFile('/some/template.yml'), 'ERR_INPUT_FILE')
    expect(error.message).toContain('/some/template.yml')
  })
})
