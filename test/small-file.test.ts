import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSmallFile } from '#src/small-file.js'
import { rejectsWithCode } from './support/errors.js'
import { type Fault, withFault } from './support/faults.js'
import { temporaryDirectory } from './support/temp.js'

const directory = temporaryDirectory()
const path = join(directory, 'file')
writeFileSync(path, 'ten bytes\n')
const WHOLE = { kind: 'text', text: 'ten bytes\n' }
const IRREGULAR = { kind: 'unfit', reason: 'is not a regular file' }

it('reads a file up to the limit, and refuses one byte more', async () => {
  expect(await readSmallFile(path, 10)).toEqual(WHOLE)
  expect(await readSmallFile(path, 9)).toEqual({ kind: 'unfit', reason: 'has more than 9 bytes' })
})

it('reads on after a short read', async () => {
  const fault: Fault = { kind: 'short', nth: 1, operations: ['read'] }
  let found: unknown
  await withFault(fault, async () => {
    found = await readSmallFile(path, 100)
  })
  expect(found).toEqual(WHOLE)
})

it('says that a file is absent where none can be', async () => {
  for (const name of ['none', 'file/below-a-file', 'x'.repeat(256)])
    expect(await readSmallFile(join(directory, name), 10)).toEqual({ kind: 'absent' })
})

it('takes no pipe, socket, device or directory for a file, and waits for none of them', async () => {
  execFileSync('mkfifo', [join(directory, 'pipe')])
  mkdirSync(join(directory, 'folder'))
  const socket = join(directory, 'socket')
  const server = createServer().listen(socket)
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    for (const special of [join(directory, 'pipe'), join(directory, 'folder'), socket, '/dev/zero'])
      expect(await readSmallFile(special, 10)).toEqual(IRREGULAR)
  } finally {
    server.close()
  }
})

it('tells a failure from absence', async () => {
  for (const operation of ['open', 'stat', 'read'] as const) {
    for (const [kind, code] of [
      ['EIO', 'ERR_IO'],
      ['EACCES', 'ERR_PERMISSION'],
    ] as const) {
      const { fired, failure } = await withFault({ kind, nth: 1, operations: [operation] }, () =>
        readSmallFile(path, 10),
      )
      expect(fired).toBe(operation)
      await rejectsWithCode(Promise.reject(failure), code)
    }
  }
})
