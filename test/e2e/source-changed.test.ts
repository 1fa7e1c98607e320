/** An image that somebody else writes to while it is read, as a download that was not over yet. */
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compressFile } from '../support/bzip2-file.js'
import { runEnvironment, startCli } from '../support/command-line.js'
import { noise } from '../support/random.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()

describe('an image that grows while it is read', () => {
  it.each([true, false])('is not baked: ERR_SOURCE_CHANGED (compressed: %s)', async (compressed) => {
    const place = join(directory, String(compressed))
    mkdirSync(place)
    const raw = makeSmallDisk(join(directory, `${compressed}.bin`), { data: noise(1 << 20) })
    const image = compressed ? compressFile(raw) : raw
    const output = join(place, 'edition.bin')
    const run = startCli([image, '--template', 'rackspace', '--output', output, '--json', '--progress', 'json'], {
      env: runEnvironment(place),
    })
    let grown = false
    run.child.stderr?.on('data', () => {
      if (grown || !run.stderr().includes('"phase":"edit"')) return
      appendFileSync(image, 'more')
      grown = true
    })
    const { exitCode, stdout } = await run.ended
    expect(exitCode, stdout).toBe(3)
    const { error } = JSON.parse(stdout) as { readonly error: Readonly<Record<string, unknown>> }
    expect(error.code).toBe('ERR_SOURCE_CHANGED')
    expect(error.message).toContain(image)
    expect(error.hint).toContain('wait until the download or copy is complete')
    expect(readdirSync(place)).toEqual([])
  })
})
