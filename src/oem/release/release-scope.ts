/**
 * A span of releases: one distribution, from a branch up to but not including another.
 *
 * Templates use it to say which releases a file is for, the tables use it to say where a rule holds.
 */
import { type Distro, formatDistro, type ImageRelease, type KnownRelease } from './release.js'

export interface ReleaseScope {
  readonly distro: Distro
  /** First branch. @default the first ever */
  readonly from?: number
  /** First branch that no longer belongs. @default none */
  readonly below?: number
}

export function isInScope(release: KnownRelease, scope: ReleaseScope): boolean {
  return (
    release.distro === scope.distro &&
    release.branch >= (scope.from ?? 0) &&
    release.branch < (scope.below ?? Number.POSITIVE_INFINITY)
  )
}

/** No scopes at all means every release. */
export function isInAnyScope(release: KnownRelease, scopes: readonly ReleaseScope[]): boolean {
  return scopes.length === 0 || scopes.some((scope) => isInScope(release, scope))
}

/** For people: `Flatcar from 3185, below 4722`. */
export function formatScope(scope: ReleaseScope): string {
  const from = scope.from === undefined ? [] : [`from ${scope.from}`]
  const below = scope.below === undefined ? [] : [`below ${scope.below}`]
  return [formatDistro(scope.distro), [...from, ...below].join(', ')].join(' ').trim()
}

/**
 * The release that content is chosen for. An image that does not tell its release gets what the last Container Linux
 * would: `oem_id` and spec 2.x are understood from there to today's Flatcar, and `base/default.ign` and the
 * cloud-config are harmless where they are ignored. The other choice, spec 3.x, stops every Container Linux from booting.
 */
export function releaseToRenderFor(release: ImageRelease): KnownRelease {
  if (release.kind === 'known') return release
  return { kind: 'known', distro: 'container-linux', version: '2512.3.0', branch: 2512, from: 'image' }
}
