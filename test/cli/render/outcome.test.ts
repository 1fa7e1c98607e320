/** What standard error is told of several editions, some of which failed. */
import { describe, expect, it } from 'vitest'
import { failuresOf } from '#src/cli/render/outcome.js'
import { CancelledError, MachineError } from '#src/errors.js'

const names = ['ec2', 'gce', 'azure']
const failed = { error: new MachineError('ERR_IO', 'the disk is ill') }
const outcomes = [failed, { kept: 'x.img' }, { error: new CancelledError() }]
const { problems } = failuresOf(outcomes, (nth) => names[nth] ?? '')

describe('failuresOf', () => {
  it('names each that failed, and sums up those that were cancelled', () => {
    expect(problems('plain')).toBe('ec2: error: the disk is ill\ncancelled: 1 of 3 were not made\n')
    expect(problems('coloured')).toContain('ec2: \x1b[1;31merror:\x1b[0m the disk')
  })

  it('gives a program a line of JSON for each', () => {
    const events = problems('json').trimEnd().split('\n')
    expect(events.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ kind: 'error', job: 'ec2', code: 'ERR_IO', message: 'the disk is ill' }),
      expect.objectContaining({ kind: 'error', job: 'azure', code: 'ERR_CANCELLED' }),
    ])
  })
})
