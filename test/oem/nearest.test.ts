import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, nearestName } from '#src/oem/nearest.js'

describe('nearestName', () => {
  it.each([
    ['rackspce', 'rackspace'],
    ['openstakc', 'openstack'],
    ['EC2', 'ec2'],
    ['ec3', 'ec2'],
  ])('takes %s for %s', (wanted, expected) => {
    expect(nearestName(wanted, ['rackspace', 'ec2', 'openstack'])).toBe(expected)
  })

  it('offers nothing for a word that is like none', () => {
    expect(nearestName('zzzzzz', ['rackspace', 'ec2'])).toBeUndefined()
    expect(nearestName('x', ['ec2'])).toBeUndefined()
    expect(nearestName('ec2', [])).toBeUndefined()
  })

  it('counts a swap of neighbours as one edit', () => {
    expect(editDistance('ab', 'ba')).toBe(1)
    expect(editDistance('kitten', 'sitting')).toBe(3)
  })

  it('has a distance that is symmetric, and 0 only between equals', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
        expect(editDistance(left, right)).toBe(editDistance(right, left))
        expect(editDistance(left, right) === 0).toBe(left === right)
      }),
    )
  })
})
