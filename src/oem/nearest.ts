/**
 * "Did you mean": the known name that is closest to a mistyped one.
 *
 * Distance is optimal string alignment (insert, delete, replace, swap neighbours). A name is only offered when at most a
 * third of the longer word is wrong, so that `x` never suggests `ec2`.
 */

/** @returns the closest name, or undefined when nothing is close; the first of several equals */
export function nearestName(wanted: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const name of known) {
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3))
    // So many letters have to be put in or taken out at least.
    if (Math.abs(wanted.length - name.length) > limit) continue
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase())
    if (distance <= limit && distance < Math.min(bestDistance, name.length)) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** A hint clause, or the list when nothing is near: `did you mean rackspace?` */
export function suggestName(wanted: string, known: readonly string[], what: string): string {
  const nearest = nearestName(wanted, known)
  if (nearest !== undefined) return `did you mean ${nearest}?`
  return known.length === 0 ? `there are no ${what}` : `known ${what}: ${known.join(', ')}`
}

export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1
      let distance = Math.min(at(previous, column) + 1, at(current, column - 1) + 1, at(previous, column - 1) + cost)
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped) distance = Math.min(distance, at(beforePrevious, column - 2) + 1)
      current.push(distance)
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, right.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
