import { describe, expect, it } from 'vitest'
import { timePhases } from '#src/phase-times.js'
import { testContext } from './support/context.js'

describe('timePhases', () => {
  it('hands every event on, and has each phase once, in order of appearance', () => {
    const inner = testContext()
    const times = timePhases(inner)
    expect(times.phases()).toEqual([])
    for (const phase of ['decode', 'edit', 'decode', 'check'] as const) times.context.report({ kind: 'phase', phase })
    times.context.report({ kind: 'note', message: 'between' })
    expect(inner.events).toHaveLength(5)
    expect(times.phases().map(({ phase }) => phase)).toEqual(['decode', 'edit', 'check'])
    expect(times.phases().every(({ milliseconds }) => Number.isInteger(milliseconds) && milliseconds >= 0)).toBe(true)
  })
})
