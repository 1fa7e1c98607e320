/**
 * Every command that a bake gives to guestfish, failing once, and guestfish killed at every one of them. Each takes an
 * appliance: half an hour with KVM, some hours without. OEM_BAKE_FAULT_STRIDE=5 takes every fifth.
 */
import { describe, expect, it } from 'vitest'
import { bakeThrough, type GuestfishOutcome, makeTarget } from '../support/guestfish-faults.js'
import { temporaryDirectory } from '../support/temp.js'
import { forEachOf } from '../support/verified.js'

const STRIDE = Number(process.env.OEM_BAKE_FAULT_STRIDE ?? 1)
const target = makeTarget(temporaryDirectory())

describe('guestfish', () => {
  it.each(['fails', 'is killed'] as const)('%s at any command: no output, no change, nothing left', async (kind) => {
    const { commands, faults } = await bakeThrough(target)
    expect(faults).toEqual([])
    const outcomes = new Map<number, GuestfishOutcome>()
    const nths = commands.map((_, index) => index + 1).filter((nth) => (nth - 1) % STRIDE === 0)
    await forEachOf(nths, async (nth) => void outcomes.set(nth, await bakeThrough(target, { kind, nth })), 2)
    const kinds = new Set(nths.map((nth) => commands[nth - 1]?.split(' ')[0]))
    process.stdout.write(
      `guestfish ${kind}: at ${nths.length} of ${commands.length} commands (${[...kinds].join(', ')})\n`,
    )
    const complaints = [...outcomes].filter(([, outcome]) => outcome.faults.length > 0)
    expect(
      complaints.map(([nth, outcome]) => `${nth}, ${outcome.commands[nth - 1]}: ${outcome.error} ${outcome.faults}`),
    ).toEqual([])
  })
})
