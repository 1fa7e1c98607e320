import fc from 'fast-check'
import { expect, it } from 'vitest'
import { given } from '#src/given.js'

it('has the fields that have a value, in their order, and no other', () => {
  const fields = fc.dictionary(fc.string(), fc.constantFrom(undefined, null, false, 0, '', 'text'))
  fc.assert(
    fc.property(fields, (all) => {
      const left = Object.entries(all).filter(([, value]) => value !== undefined)
      expect(Object.entries(given(all))).toEqual(left)
    }),
  )
})
