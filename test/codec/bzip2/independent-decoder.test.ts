import { describe, expect, it } from 'vitest'
import { IndependentDecoder } from '#src/codec/bzip2/independent-decoder.js'
import { compress } from '../../support/bzip2.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise, prose } from '../../support/random.js'
import { threadCount } from '../../support/threads.js'

const running = () => new AbortController().signal

describe('the independent decoder', () => {
  it('decodes streams, many at once, each to its own bytes', async () => {
    await using decoder = new IndependentDecoder(running())
    const contents = Array.from({ length: 12 }, (_, nth) => prose(20_000 + nth, nth))
    const answers = await Promise.all(contents.map((content) => decoder.decode(compress(content, 1))))
    for (const [nth, answer] of answers.entries()) {
      if (answer.kind === 'failed') throw new Error(answer.message)
      expect(Buffer.from(answer.bytes).equals(contents[nth]!)).toBe(true)
    }
  })

  it('decodes 4 MiB of zeros, the most that a block of ours holds', async () => {
    await using decoder = new IndependentDecoder(running())
    const zeros = Buffer.alloc(4 << 20)
    const answer = await decoder.decode(compress(zeros))
    expect(answer.kind === 'decoded' && zeros.equals(answer.bytes)).toBe(true)
  })

  it.each<[string, Buffer]>([
    ['noise', noise(1000)],
    ['a flipped bit', compress(noise(1000)).fill(0, 500, 501)],
    ['half a stream', compress(noise(1000)).subarray(0, 500)],
  ])('says of %s that it failed, or gives other bytes, and goes on', async (_, stream) => {
    await using decoder = new IndependentDecoder(running())
    const answer = await decoder.decode(stream)
    if (answer.kind === 'decoded') expect(Buffer.from(answer.bytes).equals(noise(1000))).toBe(false)
    else expect(answer.message.length).toBeGreaterThan(3)
    const next = await decoder.decode(compress(prose(100)))
    expect(next.kind === 'decoded' && prose(100).equals(next.bytes)).toBe(true)
  })

  it('throws ERR_CANCELLED for what is under way and for what comes later, and ends its threads', async () => {
    {
      await using first = new IndependentDecoder(running())
      await first.decode(compress(prose(10)))
    }
    const before = threadCount()
    {
      const abort = new AbortController()
      await using decoder = new IndependentDecoder(abort.signal)
      const decoding = Promise.allSettled(Array.from({ length: 5 }, () => decoder.decode(compress(noise(300_000)))))
      abort.abort()
      for (const settled of await decoding) {
        expect(settled.status).toBe('rejected')
        if (settled.status === 'rejected') await rejectsWithCode(Promise.reject(settled.reason), 'ERR_CANCELLED')
      }
      await rejectsWithCode(decoder.decode(compress(prose(10))), 'ERR_CANCELLED')
    }
    await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })
})
