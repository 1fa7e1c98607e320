/**
 * Every rule is shown by example: an input in which it finds something, and a neighbour in which it doesn't. The examples
 * lie in `examples/`, a file a room; they go through content and plan as a bake does.
 */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Severity } from '#src/oem/finding.js'
import { ALL_RULES, ruleNamed } from '#src/oem/rules.js'
import { findingsOf, type RuleExample } from '../support/rule-examples.js'

/** Rules whose room has no examples yet. One that has some must not stand here. */
const WITHOUT_EXAMPLE_YET: readonly string[] = []

const GRAVITY: Readonly<Record<Severity, number>> = { note: 0, warning: 1, error: 2 }
const ROOMS = new URL('examples/', import.meta.url)

async function loadExamples(): Promise<readonly RuleExample[]> {
  const rooms = readdirSync(ROOMS).filter((name) => name.endsWith('.ts'))
  const modules = await Promise.all(
    rooms.map((name) => import(/* @vite-ignore */ new URL(name, ROOMS).href) as Promise<object>),
  )
  return modules.flatMap((module) => Object.values(module).flat() as readonly RuleExample[])
}

const EXAMPLES = await loadExamples()
const SHOWN = new Set(EXAMPLES.map(({ rule }) => rule))

describe(`each of the ${ALL_RULES.length} rules`, () => {
  it('has an example, and examples are of rules', () => {
    const without = ALL_RULES.filter(({ name }) => !SHOWN.has(name)).map(({ name }) => name)
    expect(without.sort()).toEqual([...WITHOUT_EXAMPLE_YET].sort())
    expect([...SHOWN].filter((name) => ruleNamed(name) === undefined)).toEqual([])
  })
})

describe.each(EXAMPLES.map((example, index) => ({ ...example, index })))('example $index, of $rule', (example) => {
  it('has a failing input in which the rule finds something', async () => {
    const all = await findingsOf(example.failing)
    const found = all.filter(({ rule }) => rule === example.rule)
    expect(found, `found instead: ${JSON.stringify(all)}`).not.toEqual([])
    const gravest = ruleNamed(example.rule)?.severity ?? 'note'
    for (const { hint, message, severity } of found) {
      expect(GRAVITY[severity], message).toBeLessThanOrEqual(GRAVITY[gravest])
      // One sentence, without a full stop; what to do is the hint's.
      expect(message).not.toMatch(/[.\n]$|^\s|undefined|NaN/)
      expect(hint ?? '').not.toMatch(/\.$|undefined|NaN/)
    }
    if (example.line === undefined) return
    const places = found.map(({ place }) => ({ line: place?.line, column: place?.column }))
    const { line, column } = example
    expect(places).toContainEqual(column === undefined ? expect.objectContaining({ line }) : { line, column })
  })

  it('has a passing neighbour in which it finds nothing', async () => {
    const found = await findingsOf(example.passing)
    expect(found.filter(({ rule }) => rule === example.rule)).toEqual([])
  })
})
