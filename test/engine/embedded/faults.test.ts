import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { WritableByteDevice } from '#src/byte-device.js'
import { withEmbeddedEditor, withEmbeddedReader } from '#src/engine/embedded/engine.js'
import type { FilesystemEditor } from '#src/engine/engine.js'
import { MachineError } from '#src/errors.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { contextOf, debugfsEdit, EDITED_AT, fsck, makeImage, mkdir, PROFILES, volumeOf, write } from './images.js'

const directory = temporaryDirectory()
const image = makeImage(directory, PROFILES.modern)

/** A device that calls `before` ahead of each read and write, with their count so far. */
async function watched(before: (kind: 'read' | 'write', count: number) => Promise<void>, bytes = Buffer.from(image)) {
  const { device, filesystem } = await volumeOf(bytes)
  const counts = { read: 0, write: 0 }
  const wrapped: WritableByteDevice = {
    size: device.size,
    read: async (offset, length) => {
      await before('read', ++counts.read)
      return device.read(offset, length)
    },
    write: async (offset, content) => {
      await before('write', ++counts.write)
      return device.write(offset, content)
    },
  }
  return { volume: { device: wrapped, filesystem }, counts, bytes: device.bytes }
}

async function smallScenario(fs: FilesystemEditor): Promise<void> {
  await fs.list()
  await fs.apply([mkdir('/d'), write('/d/a', 'a'), write('/big', Buffer.alloc(1_000_000, 7))], EDITED_AT)
  await fs.sha256('/big')
}

describe('a device that fails', () => {
  it.each(['read', 'write'] as const)('at the nth %s gives that error for every n, and never hangs', async (kind) => {
    const whole = await watched(async () => undefined)
    await withEmbeddedEditor(whole.volume, contextOf(), smallScenario)
    expect(fsck(directory, whole.bytes)).toBe('')
    expect(whole.counts[kind]).toBeGreaterThan(3)
    for (let n = 1; n <= whole.counts[kind]; n++) {
      const cause = new MachineError('ERR_IO', `the ${n}th ${kind} failed`)
      const { volume } = await watched(async (doing, count) => {
        if (doing === kind && count === n) throw cause
      })
      const failure = await withEmbeddedEditor(volume, contextOf(), smallScenario).catch((error: unknown) => error)
      expect(failure, `${kind} ${n}`).toBe(cause)
    }
  })

  it('with a foreign error has it as the cause of ours', async () => {
    const cause = new RangeError('not one of ours')
    const { volume } = await watched(async () => {
      throw cause
    })
    const error = await rejectsWithCode(withEmbeddedEditor(volume, contextOf(), smallScenario), 'ERR_EMBEDDED')
    expect(error.cause).toBe(cause)
  })

  it('makes every later call fail alike', async () => {
    const cause = new MachineError('ERR_IO', 'once')
    let isBroken = false
    const { volume } = await watched(async () => {
      if (isBroken) throw cause
    })
    const attempt = withEmbeddedEditor(volume, contextOf(), async (fs) => {
      isBroken = true
      await rejectsWithCode(fs.apply([write('/a', Buffer.alloc(200_000))], EDITED_AT), 'ERR_IO')
      isBroken = false
      await rejectsWithCode(fs.list(), 'ERR_IO')
      return 'done'
    })
    expect(await attempt.catch((error: unknown) => error)).toBe(cause)
  })
})

describe('a failure of the caller', () => {
  it('passes unchanged, and what was applied before is whole', async () => {
    const { volume, bytes } = await watched(async () => undefined)
    const cause = new Error("the caller's own")
    const attempt = withEmbeddedEditor(volume, contextOf(), async (fs) => {
      await smallScenario(fs)
      throw cause
    })
    expect(await attempt.catch((error: unknown) => error)).toBe(cause)
    expect(fsck(directory, bytes)).toBe('')
  })
})

describe('cancelling', () => {
  it('before the start opens nothing', async () => {
    const { volume, counts } = await watched(async () => undefined)
    const aborted = AbortSignal.abort()
    await rejectsWithCode(withEmbeddedEditor(volume, contextOf(aborted), smallScenario), 'ERR_CANCELLED')
    expect(counts).toEqual({ read: 0, write: 0 })
  })

  it.each([1, 2, 3, 5, 8])('at read %d ends at once, also while the device never answers', async (n) => {
    const controller = new AbortController()
    const { volume } = await watched(async (kind, count) => {
      if (kind !== 'read' || count !== n) return
      controller.abort()
      await new Promise(() => undefined)
    })
    const started = performance.now()
    await rejectsWithCode(withEmbeddedEditor(volume, contextOf(controller.signal), smallScenario), 'ERR_CANCELLED')
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('leaves no listener behind on the signal', async () => {
    const controller = new AbortController()
    const { volume } = await watched(async () => undefined)
    await withEmbeddedReader(volume, contextOf(controller.signal), (fs) => fs.list())
    expect(EventEmitter.getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
})

describe('an operation that does not end', () => {
  it('because the device never answers is ended by the watchdog', async () => {
    const filled = await watched(async () => undefined)
    await withEmbeddedEditor(filled.volume, contextOf(), smallScenario)
    let isSilent = false
    const { volume } = await watched(async () => {
      if (isSilent) await new Promise(() => undefined)
    }, Buffer.from(filled.bytes))
    const attempt = withEmbeddedReader(
      volume,
      contextOf(),
      (fs) => {
        isSilent = true
        return fs.sha256('/big')
      },
      { operationTimeoutMs: 1500 },
    )
    const error = await rejectsWithCode(attempt, 'ERR_EMBEDDED')
    expect(error.details).toMatchObject({ operation: 'sha256', timeoutMs: 1500 })
  })

  it('because the worker is busy is ended by the watchdog: a file of 1 TiB without blocks', async () => {
    const { device } = await volumeOf(Buffer.from(image))
    await withEmbeddedEditor(await volumeOf(device.bytes), contextOf(), (fs) => fs.apply([write('/a', 'a')], EDITED_AT))
    const endless = await volumeOf(debugfsEdit(directory, device.bytes, [`sif /a size ${2 ** 40}`]))
    const started = performance.now()
    const attempt = withEmbeddedReader(endless, contextOf(), (fs) => fs.sha256('/a'), { operationTimeoutMs: 1500 })
    await rejectsWithCode(attempt, 'ERR_EMBEDDED')
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})
