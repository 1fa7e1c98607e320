/**
 * Rows that hold from a branch upward until the next row of the same distribution: the shape of most facts about releases.
 *
 * Where a source gives only a date, the row has the branch of that day: branches count days since 2013-07-01 on the main
 * line. A patch release of an older branch may have got the change, too; the tables can't know.
 */
import type { Distro, ImageRelease } from './release.js'

export interface EraRow<Fact> {
  readonly from: number
  readonly fact: Fact
}

export type EraTable<Fact> = Readonly<Record<Distro, readonly EraRow<Fact>[]>>

/** What holds on a release; `unknown` when the release is. The first row of each distribution starts at branch 0. */
export function factOf<Fact>(table: EraTable<Fact>, release: ImageRelease): Fact | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  return table[release.distro].findLast((row) => row.from <= release.branch)?.fact ?? 'unknown'
}
