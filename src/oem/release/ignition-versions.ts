/**
 * Which Ignition each release carries, and which config versions that Ignition accepts. Data with its sources.
 *
 * Rows hold from their branch upward until the next row: branches between two rows carry what the one below did.
 * Sources: coreos/coreos-overlay sys-apps/ignition per branch; flatcar/scripts
 * sdk_container/src/third_party/coreos-overlay/sys-apps/ignition per branch; coreos/ignition NEWS and
 * config/shared/errors; coreos/ignition docs/migrating-configs.
 */
import type { Distro, ImageRelease } from './release.js'

interface VersionRow {
  readonly branch: number
  readonly ignition: string
}

const CONTAINER_LINUX_ROWS: readonly VersionRow[] = [
  { branch: 758, ignition: '0.1.2' },
  { branch: 794, ignition: '0.1.5' },
  { branch: 835, ignition: '0.2.4' },
  { branch: 991, ignition: '0.3.3' },
  { branch: 1010, ignition: '0.4.0' },
  { branch: 1047, ignition: '0.5' },
  { branch: 1068, ignition: '0.6' },
  { branch: 1081, ignition: '0.7' },
  { branch: 1122, ignition: '0.8' },
  { branch: 1153, ignition: '0.10.1' },
  { branch: 1164, ignition: '0.11.0' },
  { branch: 1185, ignition: '0.11.1' },
  { branch: 1220, ignition: '0.11.2' },
  { branch: 1235, ignition: '0.12.0' },
  { branch: 1284, ignition: '0.12.1' },
  { branch: 1353, ignition: '0.13' },
  { branch: 1367, ignition: '0.14' },
  { branch: 1451, ignition: '0.16' },
  { branch: 1465, ignition: '0.17.2' },
  { branch: 1535, ignition: '0.18' },
  { branch: 1548, ignition: '0.19' },
  { branch: 1632, ignition: '0.20.1' },
  { branch: 1675, ignition: '0.21' },
  { branch: 1688, ignition: '0.22' },
  { branch: 1722, ignition: '0.23' },
  { branch: 1745, ignition: '0.24.1' },
  { branch: 1786, ignition: '0.25.1' },
  { branch: 1814, ignition: '0.26' },
  { branch: 1871, ignition: '0.27' },
  { branch: 1883, ignition: '0.28' },
  { branch: 1995, ignition: '0.29.1' },
  { branch: 2016, ignition: '0.30' },
  { branch: 2065, ignition: '0.31' },
  { branch: 2121, ignition: '0.32' },
  { branch: 2135, ignition: '0.33' },
  { branch: 2387, ignition: '0.34' },
]

/** Flatcar followed Container Linux number by number until that ended at 2512, and diverged from 2605 on. */
const FLATCAR_ROWS: readonly VersionRow[] = [
  ...CONTAINER_LINUX_ROWS,
  { branch: 2605, ignition: '0.34' },
  { branch: 3033, ignition: '0.36.1' },
  { branch: 3185, ignition: '2.13' },
  { branch: 3374, ignition: '2.14' },
  // Spec 3.4.0, which Ignition 2.15 brought, is accepted from here on; the first Stable with it is 3602.
  { branch: 3535, ignition: '2.15' },
  { branch: 3975, ignition: '2.18' },
  { branch: 4081, ignition: '2.19' },
  { branch: 4152, ignition: '2.20' },
  { branch: 4459, ignition: '2.22' },
  { branch: 4593, ignition: '2.24' },
  { branch: 4799, ignition: '2.26.0' },
]

export const IGNITION_ROWS: Readonly<Record<Distro, readonly VersionRow[]>> = {
  'container-linux': CONTAINER_LINUX_ROWS,
  flatcar: FLATCAR_ROWS,
}

/** The release's Ignition; undefined for an unknown release and before branch 758, which had none. */
export function ignitionVersionOf(release: ImageRelease): string | undefined {
  if (release.kind === 'unknown') return undefined
  return IGNITION_ROWS[release.distro].findLast((row) => row.branch <= release.branch)?.ignition
}

/** Numeric, part by part; a missing part counts as 0. Negative when `left` is older. */
export function compareVersions(left: string, right: string): number {
  const leftParts = left.split('.').map(Number)
  const rightParts = right.split('.').map(Number)
  for (let index = 0; index < Math.max(leftParts.length, rightParts.length); index++) {
    const difference = (leftParts[index] ?? 0) - (rightParts[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export function isAtLeast(version: string, minimum: string): boolean {
  return compareVersions(version, minimum) >= 0
}

interface SpecRow {
  readonly spec: string
  /** First Ignition that takes it as stable. */
  readonly since: string
  /** Ignitions that took `<spec>-experimental`: from this one until `since`, where it was dropped. */
  readonly experimentalSince?: string
}

const SPEC_ROWS: readonly SpecRow[] = [
  { spec: '1', since: '0.1' },
  { spec: '2.0.0', since: '0.4.0' },
  { spec: '2.1.0', since: '0.17', experimentalSince: '0.13' },
  { spec: '2.2.0', since: '0.22' },
  { spec: '2.3.0', since: '0.29' },
  { spec: '2.4.0', since: '0.35', experimentalSince: '0.30' },
  { spec: '3.0.0', since: '2.0' },
  { spec: '3.1.0', since: '2.3' },
  { spec: '3.2.0', since: '2.7' },
  { spec: '3.3.0', since: '2.11' },
  { spec: '3.4.0', since: '2.15', experimentalSince: '2.11' },
  { spec: '3.5.0', since: '2.20', experimentalSince: '2.15' },
  { spec: '3.6.0', since: '2.26', experimentalSince: '2.20' },
]

/** Every config version there is, stable ones only. */
export const KNOWN_SPECS: readonly string[] = SPEC_ROWS.map((row) => row.spec)

/**
 * Config versions that a release's Ignition accepts. Flatcar's 2.x also takes 1 and 2.x by translation.
 *
 * @returns undefined when the release is unknown or has no Ignition
 */
export function acceptedSpecs(release: ImageRelease): readonly string[] | undefined {
  const ignition = ignitionVersionOf(release)
  if (ignition === undefined) return undefined
  return SPEC_ROWS.flatMap((row) => {
    if (isAtLeast(ignition, row.since)) return [row.spec]
    const experimental = row.experimentalSince !== undefined && isAtLeast(ignition, row.experimentalSince)
    return experimental ? [`${row.spec}-experimental`] : []
  })
}

/** Whether any release ever accepted this version, experimental ones included. */
export function isKnownSpec(spec: string): boolean {
  return SPEC_ROWS.some(
    (row) => row.spec === spec || (row.experimentalSince !== undefined && spec === `${row.spec}-experimental`),
  )
}
