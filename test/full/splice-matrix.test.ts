/**
 * The matrix of issue 3: encoder × level × stream layout × bit phase × edit place, by the tail and by the full index; some
 * two thousand splices, each decoded by bzip2, a share by lbzip2 and pbzip2 as well. About ten minutes on two cores.
 */
import { expect, it } from 'vitest'
import { BZIP2_PROGRAMS } from '../support/bzip2.js'
import { memoryDirectory } from '../support/memory.js'
import { type FileCase, LAYOUTS, LEVELS, newTally, PLACES, runFileCase } from '../support/splice-cases.js'
import { forEachOf } from '../support/verified.js'

const directory = memoryDirectory()
/** Blocks of high levels take the time. */
const PLACES_OF_LOW_LEVELS = 11
const PLACES_OF_HIGH_LEVELS = 4
const HIGH_LEVEL = 4

it('splices two thousand times without a byte that is wrong, in each combination of encoder, level and layout', async () => {
  const cases: FileCase[] = BZIP2_PROGRAMS.flatMap((program) =>
    LEVELS.flatMap((level) => LAYOUTS.map((layout) => ({ program, level, layout, phase: 0 }))),
  )
  const tally = newTally()
  await forEachOf(
    [...cases.entries()],
    async ([nth, fileCase]) => {
      const count = fileCase.level < HIGH_LEVEL ? PLACES_OF_LOW_LEVELS : PLACES_OF_HIGH_LEVELS
      // Strides without a common divisor: every place meets every level, layout and phase.
      const places = Array.from({ length: count }, (_, index) => PLACES[(nth * 5 + index * 7) % PLACES.length]!)
      await runFileCase({ ...fileCase, phase: (nth * 3) % 8 }, places, nth, directory, tally)
    },
    2,
  )
  expect(tally.splices).toBeGreaterThanOrEqual(2000)
  expect(tally.by.get('tail') ?? 0).toBeGreaterThan(500)
  for (const key of [...PLACES, ...LAYOUTS, ...Array.from({ length: 8 }, (_, phase) => `phase ${phase}`)])
    expect(tally.by.get(key) ?? 0, key).toBeGreaterThan(50)
  for (const program of BZIP2_PROGRAMS)
    for (const level of LEVELS)
      expect(tally.by.get(`${program} -${level}`) ?? 0, `${program} -${level}`).toBeGreaterThan(15)
})
