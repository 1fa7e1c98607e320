/** The same work for several things, some of them at a time. */

/**
 * @param atOnce how many at most
 * @returns what came of each, in the order of the things
 * @throws the first failure, when all that had begun has ended
 */
export async function inParallel<Thing, Result>(
  things: readonly Thing[],
  atOnce: number,
  work: (thing: Thing, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const waiting = things.entries()
  const takeTurns = async (): Promise<void> => {
    for (const [index, thing] of waiting) results[index] = await work(thing, index)
  }
  const ended = await Promise.allSettled(
    Array.from({ length: Math.max(1, Math.min(atOnce, things.length)) }, takeTurns),
  )
  for (const one of ended) if (one.status === 'rejected') throw one.reason
  return results
}
