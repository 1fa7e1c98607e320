/**
 * What a template need not write once for each release: references that stand for what a release calls a thing.
 *
 *     ${{distro}}              coreos or flatcar: how units and scripts of the distribution are called
 *     ${{ignition_version}}    2.1.0, or 3.0.0 where Ignition 2.x runs; both say the same of systemd units
 *
 * A file that refers to one of them is rendered once for each span of releases in which they have the same values.
 * Sources: coreos/init and flatcar/init systemd/system; coreos/ignition docs/migrating-configs.
 */
import type { ReleaseScope } from '../release/release-scope.js'
import type { VariableValue } from './variables.js'

export interface ReleaseSpan {
  readonly scope: ReleaseScope
  readonly values: ReadonlyMap<string, VariableValue>
}

const SPANS: readonly ReleaseSpan[] = [
  span({ distro: 'container-linux' }, 'coreos', '2.1.0'),
  span({ distro: 'flatcar', below: 3185 }, 'flatcar', '2.1.0'),
  span({ distro: 'flatcar', from: 3185 }, 'flatcar', '3.0.0'),
]

/** Names that a template can't give to variables of its own. */
export const RELEASE_VARIABLES: readonly string[] = ['distro', 'ignition_version']

/** @param scopes the releases that a file is for; empty: every one */
export function spansOf(
  scopes: readonly ReleaseScope[],
): readonly { readonly scopes: readonly ReleaseScope[]; readonly values: ReadonlyMap<string, VariableValue> }[] {
  return SPANS.map(({ scope, values }) => ({
    scopes: scopes.length === 0 ? [scope] : scopes.flatMap((wanted) => intersection(wanted, scope)),
    values,
  })).filter((found) => found.scopes.length > 0)
}

function intersection(left: ReleaseScope, right: ReleaseScope): readonly ReleaseScope[] {
  if (left.distro !== right.distro) return []
  const from = Math.max(left.from ?? 0, right.from ?? 0)
  const below = Math.min(left.below ?? Number.POSITIVE_INFINITY, right.below ?? Number.POSITIVE_INFINITY)
  if (from >= below) return []
  return [
    {
      distro: left.distro,
      ...(from === 0 ? {} : { from }),
      ...(below === Number.POSITIVE_INFINITY ? {} : { below }),
    },
  ]
}

function span(scope: ReleaseScope, distro: string, ignition: string): ReleaseSpan {
  return {
    scope,
    values: new Map([
      ['distro', distro],
      ['ignition_version', ignition],
    ]),
  }
}
