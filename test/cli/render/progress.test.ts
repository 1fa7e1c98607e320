import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ProgressStyle, showProgress } from '#src/cli/render/progress.js'
import type { Phase, ProgressEvent } from '#src/progress.js'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

/** A view with what it wrote, and when. */
function showing(style: ProgressStyle, quiet = false) {
  const written: { readonly at: number; readonly text: string }[] = []
  const startedAt = Date.now()
  const out = new Writable({
    write(bytes: Buffer, _, done) {
      written.push({ at: Date.now() - startedAt, text: bytes.toString('utf8') })
      done()
    },
  })
  const view = showProgress(style, quiet, out)
  return {
    view,
    written,
    text: () => written.map(({ text }) => text).join(''),
    phase: (phase: Phase, detail?: string) =>
      view.onEvent({ kind: 'phase', phase, ...(detail === undefined ? {} : { detail }) }),
    progress: (doneBytes: number, totalBytes = 1000) =>
      view.onEvent({ kind: 'progress', phase: 'decode', doneBytes, totalBytes }),
  }
}

const WARNING: ProgressEvent = { kind: 'warning', code: 'UNVERIFIED', message: 'x is UNVERIFIED', hint: 'gpg --verify' }
const NOTE: ProgressEvent = { kind: 'note', message: 'a note' }

describe('plain progress', () => {
  it('writes at most one line a second, however often it is told', () => {
    const { written, phase, progress } = showing('plain')
    phase('decode', 'lbzip2')
    for (let step = 0; step < 1000; step++) {
      vi.advanceTimersByTime(7)
      progress(step)
    }
    expect(written.length).toBeGreaterThanOrEqual(6)
    expect(written.length).toBeLessThanOrEqual(1 + 7)
    written.slice(1).forEach(({ at }, index) => {
      expect(at - written[index]!.at).toBeGreaterThanOrEqual(1000)
    })
    expect(written.every(({ text }) => /^\P{Cc}+\n$/u.test(text))).toBe(true)
  })

  it('counts what has passed', () => {
    const { text, phase, progress } = showing('plain')
    phase('decode', 'lbzip2')
    vi.advanceTimersByTime(1000)
    progress(333)
    vi.advanceTimersByTime(3500)
    progress(1000)
    expect(text()).toContain('decoding (lbzip2)\n')
    expect(text()).toContain('decoding (lbzip2): 33 % of 1000 bytes\n')
    expect(text()).toContain('decoding (lbzip2): 100 % of 1000 bytes, 5 s\n')
  })

  it('is never silent for more than five seconds in a phase without counters, whenever it began', () => {
    for (const start of [0, 100, 1999, 3999]) {
      const { written, phase, view } = showing('plain')
      vi.advanceTimersByTime(start)
      phase('launch')
      vi.advanceTimersByTime(60_000)
      const times = [...written.map(({ at }) => at), start + 60_000]
      times.slice(1).forEach((at, index) => {
        expect(at - times[index]!).toBeLessThanOrEqual(5000)
      })
      view.close()
    }
  })

  it('says nothing before the first phase', () => {
    const { written, progress } = showing('plain')
    progress(1)
    vi.advanceTimersByTime(20_000)
    expect(written).toEqual([])
  })

  it('does not divide by a total of nothing', () => {
    const { text, phase, progress } = showing('plain')
    phase('decode')
    vi.advanceTimersByTime(1000)
    progress(0, 0)
    expect(text()).toContain('100 % of 0 bytes')
  })

  it('leaves out what another thread counts meanwhile', () => {
    const { text, phase, progress } = showing('plain')
    phase('edit')
    vi.advanceTimersByTime(2000)
    progress(333)
    expect(text()).toBe('editing the OEM partition\n')
  })

  it('forgets the counters of the phase before', () => {
    const { written, phase, progress } = showing('plain')
    phase('decode')
    vi.advanceTimersByTime(1000)
    progress(500)
    phase('launch')
    expect(written.at(-1)!.text).toBe('starting the libguestfs appliance\n')
  })
})

describe('progress on a terminal', () => {
  it('draws over one line, at most ten times a second', () => {
    const { written, phase, progress } = showing('tty')
    phase('decode')
    for (let step = 0; step < 1000; step++) {
      vi.advanceTimersByTime(3)
      progress(step)
    }
    expect(written.length).toBeLessThanOrEqual(1 + 30 + 3)
    expect(written.length).toBeGreaterThan(25)
    for (const { text } of written) {
      expect([text.slice(0, 1), text.slice(-3)]).toEqual(['\r', '\x1b[K'])
      expect(text.slice(1, -3)).toMatch(/^\P{Cc}+$/u)
    }
  })

  it('clears the line before a warning, and at the end', () => {
    const { text, phase, view } = showing('tty')
    phase('decode')
    view.onEvent(WARNING)
    expect(text()).toBe('\rdecoding\x1b[K\r\x1b[Kwarning: x is UNVERIFIED\nhint: gpg --verify\n')
    phase('launch')
    view.close()
    expect(text().endsWith('\r\x1b[K')).toBe(true)
  })

  it('stops its clock at the end', () => {
    const { written, phase, view } = showing('tty')
    phase('launch')
    view.close()
    const count = written.length
    vi.advanceTimersByTime(60_000)
    expect(written).toHaveLength(count)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('warnings and notes', () => {
  it('name the rule of a check, and give each line of a hint', () => {
    const { text, view } = showing('plain')
    view.onEvent({ kind: 'warning', code: 'script-cr', message: 'x has them', hint: 'a\nb' })
    expect(text()).toBe('warning: x has them [script-cr]\nhint: a\nhint: b\n')
  })

  it.each<[ProgressStyle, boolean, boolean]>([
    ['plain', false, true],
    ['tty', false, true],
    ['none', false, true],
    ['plain', true, false],
    ['tty', true, false],
    ['none', true, false],
  ])('are shown with --progress %s and quiet %s: notes %s', (style, quiet, notes) => {
    const { text, view, phase } = showing(style, quiet)
    phase('decode')
    view.onEvent(WARNING)
    view.onEvent(NOTE)
    expect(text()).toContain('warning: x is UNVERIFIED\nhint: gpg --verify\n')
    expect(text().includes('note: a note\n')).toBe(notes)
    if (quiet || style === 'none') expect(text()).not.toContain('decoding')
  })

  it('let nothing from an image reach the terminal as a command', () => {
    const { text, view, phase } = showing('plain')
    phase('decode', 'evil\x1b[2J.bz2')
    view.onEvent({ kind: 'warning', code: 'X', message: 'kept /\x1b[2J', hint: '\x07' })
    view.onEvent({ kind: 'note', message: 'kept /\x9b2J' })
    expect(text().replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })
})

describe('progress as JSON', () => {
  it('is one document a line, with every event', () => {
    const { written, view, phase, progress } = showing('json')
    phase('decode', 'lbzip2')
    progress(1)
    progress(2)
    view.onEvent(WARNING)
    view.close()
    expect(written.map(({ text }) => JSON.parse(text))).toEqual([
      { kind: 'phase', phase: 'decode', detail: 'lbzip2' },
      { kind: 'progress', phase: 'decode', doneBytes: 1, totalBytes: 1000 },
      { kind: 'progress', phase: 'decode', doneBytes: 2, totalBytes: 1000 },
      WARNING,
    ])
    expect(written.every(({ text }) => text.endsWith('\n') && !text.slice(0, -1).includes('\n'))).toBe(true)
  })

  it('holds only warnings when quiet', () => {
    const { written, view, phase, progress } = showing('json', true)
    phase('decode')
    progress(1)
    view.onEvent(NOTE)
    view.onEvent(WARNING)
    expect(written.map(({ text }) => JSON.parse(text))).toEqual([WARNING])
  })
})
