import { describe, expect, it } from 'vitest'
import { ofKeptFile } from '#src/oem/finding.js'
import { GRUB_RULES } from '#src/oem/grub/rules.js'
import { assertIgnorable, judge } from '#src/oem/judge.js'
import { TREE_RULES } from '#src/oem/plan/rules.js'
import { ALL_RULES } from '#src/oem/rules.js'
import { rejectsWithCode } from '../support/errors.js'

const LAX = { strict: false, ignore: [] }
const place = { file: 'grub.cfg', line: 3 }
const error = GRUB_RULES.found('grub-cr', 'wrong', { severity: 'error', place, hint: 'mend it' })
const warning = TREE_RULES.found('release-unknown', 'who knows')
const note = TREE_RULES.found('secure-boot-skips-grub', 'nothing there')

describe('rules', () => {
  it('have names of their own, in kebab-case, each with a source', () => {
    const names = ALL_RULES.map((rule) => rule.name)
    expect(new Set(names).size).toBe(names.length)
    for (const rule of ALL_RULES) {
      expect(rule.name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)+$/)
      expect(rule.finds, rule.name).not.toMatch(/\.$/)
      expect(rule.source, rule.name).not.toBe('')
    }
  })
})

describe('judge', () => {
  it('lets warnings and notes pass', () => {
    expect(judge([warning, note], LAX)).toEqual({ findings: [warning, note], ignored: [] })
  })

  it('stops at an error, with the code of its rule, its place and its hint', async () => {
    const thrown = await rejectsWithCode(() => judge([warning, error], LAX), 'ERR_GRUB_CFG_INVALID')
    expect(thrown.message).toBe('grub.cfg, line 3: wrong')
    expect(thrown.hint).toBe('mend it\nto bake all the same add --ignore grub-cr')
    expect(thrown.details).toEqual({ rule: 'grub-cr', findings: [error] })
  })

  it('tells all errors at once', async () => {
    const other = TREE_RULES.found('oem-id-unknown', 'nobody knows it')
    const thrown = await rejectsWithCode(() => judge([other, error], LAX), 'ERR_OEM_ID_UNKNOWN')
    expect(thrown.message.split('\n')).toEqual([
      '2 things are wrong:',
      '  1. nobody knows it [oem-id-unknown]',
      '  2. grub.cfg, line 3: wrong [grub-cr]',
      '     mend it',
    ])
    expect(thrown.hint).toContain('oem-bake rules RULE')
    expect(thrown.details).toEqual({ rule: 'oem-id-unknown', findings: [other, error] })
  })

  it('lists a hundred errors and counts the others, which the details have', async () => {
    const many = Array.from({ length: 250 }, () => error)
    const thrown = await rejectsWithCode(() => judge(many, LAX), 'ERR_GRUB_CFG_INVALID')
    const lines = thrown.message.split('\n')
    expect(lines[0]).toBe('250 things are wrong:')
    expect(lines.filter((line) => line.endsWith('[grub-cr]'))).toHaveLength(100)
    expect(lines.at(-1)).toBe('  and 150 more; --json has all of them')
    expect(thrown.details?.findings).toHaveLength(250)
  })

  it('takes warnings for errors when strict, but not notes', async () => {
    const strict = { strict: true, ignore: [] }
    const thrown = await rejectsWithCode(() => judge([warning], strict), 'ERR_USAGE')
    expect(thrown.message).toBe('who knows (--strict: warnings count as errors)')
    const both = await rejectsWithCode(() => judge([warning, error], strict), 'ERR_GRUB_CFG_INVALID')
    expect(both.message).toContain('one thing is wrong, and one warning --strict counts as errors:\n  1. grub.cfg')
    const two = await rejectsWithCode(() => judge([warning, warning], strict), 'ERR_USAGE')
    expect(two.message).toContain('2 warnings, which --strict counts as errors:\n  1. who knows [release-unknown]')
    expect(judge([note], strict).findings).toEqual([note])
  })

  it('puts what is to be ignored on record, errors too', () => {
    const verdict = judge([error, warning], { strict: true, ignore: ['grub-cr', 'release-unknown'] })
    expect(verdict).toEqual({ findings: [], ignored: [error, warning] })
  })

  it('takes an error about a file that stays for a warning', () => {
    expect(judge([ofKeptFile(error)], LAX).findings).toEqual([{ ...error, severity: 'warning' }])
  })
})

describe('assertIgnorable', () => {
  it('refuses a name that is no rule with the nearest one', async () => {
    const thrown = await rejectsWithCode(() => assertIgnorable(['grub-rc']), 'ERR_USAGE')
    expect(thrown.hint).toContain('grub-cr')
  })

  it('takes every rule that may be ignored', () => {
    expect(() => assertIgnorable(ALL_RULES.filter((rule) => rule.ignorable).map((rule) => rule.name))).not.toThrow()
  })
})
