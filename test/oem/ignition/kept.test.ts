/** Configs that were on the OEM partition before and stay: checked as new ones are, but never stopping a bake. */
import { describe, expect, it } from 'vitest'
import { findingsOf, type RuleInput } from '../../support/rule-examples.js'

function kept(path: string, config: object, more: RuleInput = {}): Promise<Awaited<ReturnType<typeof findingsOf>>> {
  const tree = { '/base': null, [path]: JSON.stringify(config, null, 1) }
  return findingsOf({ tree, request: { existing: 'merge' }, ...more })
}

const WRONG = { ignition: { version: '2.2.0' }, storage: { files: [{ filesystem: 'root', path: 'etc/a', mode: 420 }] } }

describe('a config that stays', () => {
  it('is warned about with its place on the OEM partition', async () => {
    const found = (await kept('/base/base.ign', WRONG)).filter(({ rule }) => rule.startsWith('ignition-'))
    expect(found).toMatchObject([
      { rule: 'ignition-path', severity: 'warning', place: { file: '/base/base.ign', line: 9, column: 13 } },
    ])
  })

  it('is warned about when the release refuses its version', async () => {
    const found = await kept('/base/base.ign', { ignition: { version: '3.3.0' } })
    expect(found).toContainEqual(expect.objectContaining({ rule: 'ignition-spec', severity: 'warning' }))
  })

  it('is left alone where the release does not read it', async () => {
    const found = await kept('/base/default.ign', WRONG, { release: 'flatcar:3510.2.8' })
    expect(found.filter(({ rule }) => rule === 'ignition-path')).toEqual([])
  })
})
