/**
 * Where something that this program knows of changes from one branch to the next: what has to be looked at, to have looked
 * at every release.
 *
 * Sources: the tables beside this file, each of which has its own.
 */
import { IGNITION_ROWS } from './ignition-versions.js'
import type { Distro, KnownRelease } from './release.js'
import type { ReleaseScope } from './release-scope.js'

/** Edges that no table has as a row of its own: of `eras.ts`, `platforms.ts`, `cloudinit-facts.ts`, `grub-facts.ts`. */
const MORE_EDGES: Readonly<Record<Distro, readonly number[]>> = {
  'container-linux': [835, 1632],
  flatcar: [1632, 2605, 2955, 3185, 3314, 3460, 3652, 3760, 3913, 3922, 4186, 4487, 4722],
}
/** The last that there was, and one of today. */
const LAST: Readonly<Record<Distro, number>> = { 'container-linux': 2512, flatcar: 4799 }
const DISTROS: readonly Distro[] = ['container-linux', 'flatcar']

/**
 * One release of each stretch within which nothing changes, oldest first.
 *
 * @param wanted the releases in question; empty: every one
 * @param others spans whose own edges count, too
 */
export function releasesBetweenEdges(
  wanted: readonly ReleaseScope[],
  others: readonly ReleaseScope[],
): readonly KnownRelease[] {
  return DISTROS.flatMap((distro) => {
    const scopes = (wanted.length === 0 ? [{ distro }] : wanted).filter((scope) => scope.distro === distro)
    const own = [...scopes, ...others.filter((scope) => scope.distro === distro)]
    const edges = new Set([
      ...IGNITION_ROWS[distro].map(({ branch }) => branch),
      ...MORE_EDGES[distro],
      LAST[distro],
      ...own.flatMap(({ from, below }) => [from ?? 0, below ?? 0]),
    ])
    return [...edges]
      .filter(
        (branch) =>
          branch > 0 &&
          scopes.some(({ from = 0, below = Number.POSITIVE_INFINITY }) => branch >= from && branch < below),
      )
      .sort((left, right) => left - right)
      .map((branch) => ({ kind: 'known', distro, branch, version: `${branch}.0.0`, from: 'request' }))
  })
}
