/**
 * What vendors' own images hold is good, so no check may find more than a note in it: neither when it stays beside an
 * innocent edit, nor when somebody bakes the same files.
 */
import { describe, expect, it } from 'vitest'
import type { Finding } from '#src/oem/finding.js'
import { findingsOf, type Node, type RuleInput } from '../support/rule-examples.js'
import { VENDOR_EDITIONS } from '../support/vendor-editions.js'

/**
 * Decisions that vendors took for their users, and that whoever bakes the same has to take again: a login without a password,
 * and files that the vendor's extension takes the place of at the next update.
 */
const DECISIONS = ['grub-autologin', 'update-cleans']

async function graveFindings(input: RuleInput): Promise<readonly string[]> {
  const found: readonly Finding[] = await findingsOf(input)
  return found.filter(({ severity }) => severity !== 'note').map(({ message, rule }) => `${rule}: ${message}`)
}

describe.each(VENDOR_EDITIONS)('$vendor of $release', ({ release, tree }) => {
  it.each(['merge', 'auto'] as const)(
    'keeps its files beside a new one without a finding, with --existing %s',
    async (existing) => {
      const files = { '/acme/motd': 'Welcome to Acme\n' }
      expect(await graveFindings({ tree, release, files, request: { existing } })).toEqual([])
    },
  )

  it('could be baked as it is', async () => {
    const written = Object.entries(tree).filter(
      (entry): entry is [string, Exclude<Node, null>] => entry[1] !== null && !entry[0].startsWith('/sysext/'),
    )
    const kept = Object.entries(tree).filter(([path]) => path.startsWith('/sysext'))
    const found = await graveFindings({ files: Object.fromEntries(written), tree: Object.fromEntries(kept), release })
    expect(found.filter((text) => !DECISIONS.some((rule) => text.startsWith(`${rule}: `)))).toEqual([])
  })
})

it('are of every vendor and era that there was', () => {
  expect(VENDOR_EDITIONS.length).toBeGreaterThan(110)
  expect(new Set(VENDOR_EDITIONS.map(({ vendor }) => vendor)).size).toBe(28)
})
