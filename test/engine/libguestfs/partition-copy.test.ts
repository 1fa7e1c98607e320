import { open } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { pageRuns, writeBackChanges } from '#src/engine/libguestfs/partition-copy.js'
import { Overlay } from '#src/overlay.js'
import { copyToSparseFile } from '#src/sparse-file.js'
import { temporaryDirectory } from '../../support/temp.js'
import { engineContext } from './context.js'

const PAGE = 4096
const directory = temporaryDirectory()
const { context } = engineContext(directory)
let files = 0

function newPath(): string {
  return join(directory, `copy-${files++}`)
}

async function changeFile(path: string, offset: number, bytes: string): Promise<void> {
  const handle = await open(path, 'r+')
  await handle.write(Buffer.from(bytes), 0, bytes.length, offset)
  await handle.close()
}

describe('writeBackChanges', () => {
  it('writes nothing when nothing was changed', async () => {
    const device = new Overlay(new MemoryDevice(Buffer.alloc(10 * PAGE + 100, 'a')))
    const path = newPath()
    await copyToSparseFile(device, path, 'read-oem', context)
    expect(await writeBackChanges(path, device, context.signal)).toBe(0)
  })

  it('writes only the pages that differ, also the short one at the end', async () => {
    const size = 300 * PAGE + 100
    const device = new Overlay(new MemoryDevice(Buffer.alloc(size, 'a')))
    const path = newPath()
    await copyToSparseFile(device, path, 'read-oem', context)
    await changeFile(path, 10 * PAGE - 1, 'bb')
    await changeFile(path, 20 * PAGE, 'a')
    await changeFile(path, 256 * PAGE, 'b')
    await changeFile(path, size - 1, 'b')
    expect(await writeBackChanges(path, device, context.signal)).toBe(3 * PAGE + 100)
    expect(await device.changedExtents()).toEqual([
      { offset: 9 * PAGE, length: 2 * PAGE },
      { offset: 256 * PAGE, length: PAGE },
      { offset: 300 * PAGE, length: 100 },
    ])
    expect((await device.read(10 * PAGE - 1, 3)).toString()).toBe('bba')
  })
})

describe('pageRuns', () => {
  it('covers exactly the wanted pages, with runs that do not touch', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer({ min: 1, max: PAGE }), (wanted, lastBytes) => {
        const length = wanted.length === 0 ? 0 : (wanted.length - 1) * PAGE + lastBytes
        const runs = [...pageRuns(length, (from) => wanted[from / PAGE] === true)]
        const covered = wanted.map((_, page) =>
          runs.some((run) => run.offset <= page * PAGE && page * PAGE < run.offset + run.length),
        )
        expect(covered).toEqual(wanted)
        for (const [index, run] of runs.entries()) {
          expect(run.offset + run.length).toBeLessThanOrEqual(length)
          const next = runs[index + 1]
          if (next !== undefined) expect(next.offset).toBeGreaterThan(run.offset + run.length)
        }
      }),
    )
  })
})
