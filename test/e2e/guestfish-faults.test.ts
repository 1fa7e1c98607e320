/** One command of guestfish that fails, of all that test/full/guestfish-faults.test.ts goes through. */
import { expect, it } from 'vitest'
import { bakeThrough, makeTarget } from '../support/guestfish-faults.js'
import { temporaryDirectory } from '../support/temp.js'

it('a command of guestfish that fails leaves no output, no change and nothing behind, and is named', async () => {
  const target = makeTarget(temporaryDirectory())
  const { commands, error, exitCode, faults } = await bakeThrough(target, { kind: 'fails', nth: 40 })
  expect(faults).toEqual([])
  expect(exitCode).toBe(6)
  expect(commands.length).toBeGreaterThanOrEqual(40)
  expect(error).toMatch(/^error: guestfish .*: .*injected-failure/)
})
