/**
 * Which file of the OEM partition has an effect on which release: the matrix behind "this would do nothing".
 *
 * Sources: coreos/bootengine and flatcar/bootengine dracut/30ignition/ignition-setup.sh (base/, config.ign);
 * flatcar/coreos-cloudinit units (place of the OEM cloud-config); coreos/scripts build_library/grub.cfg (`oem_id`);
 * coreos/init and flatcar/init, coreos-setup-environment.service.
 */
import type { KnownRelease } from './release.js'
import { isInAnyScope, type ReleaseScope } from './release-scope.js'

export const CLOUD_CONFIG_PATH = '/cloud-config.yml'
export const GRUB_CFG_PATH = '/grub.cfg'
export const OEM_RELEASE_PATH = '/oem-release'
export const BASE_IGN_PATH = '/base/base.ign'
export const DEFAULT_IGN_PATH = '/base/default.ign'
export const CONFIG_IGN_PATH = '/config.ign'

/** Files that Ignition reads as configs. */
export const IGNITION_PATHS: readonly string[] = [BASE_IGN_PATH, DEFAULT_IGN_PATH, CONFIG_IGN_PATH]

export interface NoEffect {
  /** As a clause: `Flatcar from 4722 reads …`. */
  readonly why: string
  /** What to do instead. */
  readonly instead: string
  /** Whether asking for such a file is a mistake (an error) or merely vain (a warning). */
  readonly severity: 'error' | 'warning'
}

interface EraRow extends NoEffect {
  readonly path: string
  /** Releases where the file does nothing. */
  readonly scopes: readonly ReleaseScope[]
}

const BEFORE_OEM_IGNITION: readonly ReleaseScope[] = [
  { distro: 'container-linux', below: 1632 },
  { distro: 'flatcar', below: 1632 },
]
const COMPILED_IN =
  'before branch 1632 Ignition has its base configs compiled in and reads no file from the OEM partition'
const USE_CLOUD_CONFIG = 'give a cloud-config with --cloud-config instead'

const ERA_ROWS: readonly EraRow[] = [
  {
    path: CLOUD_CONFIG_PATH,
    scopes: [{ distro: 'flatcar', from: 4722 }],
    why: 'from branch 4722 on Flatcar takes the OEM cloud-config from a system extension, not from the OEM partition',
    instead:
      'put the settings into an Ignition config: --ignition FILE (read on first boot, also by machines without user data)',
    severity: 'error',
  },
  { path: BASE_IGN_PATH, scopes: BEFORE_OEM_IGNITION, why: COMPILED_IN, instead: USE_CLOUD_CONFIG, severity: 'error' },
  {
    path: DEFAULT_IGN_PATH,
    scopes: BEFORE_OEM_IGNITION,
    why: COMPILED_IN,
    instead: USE_CLOUD_CONFIG,
    severity: 'error',
  },
  {
    path: CONFIG_IGN_PATH,
    scopes: BEFORE_OEM_IGNITION,
    why: COMPILED_IN,
    instead: USE_CLOUD_CONFIG,
    severity: 'error',
  },
  {
    path: DEFAULT_IGN_PATH,
    scopes: [{ distro: 'flatcar', from: 3185 }],
    why: 'from branch 3185 on Flatcar ignores base/default.ign',
    instead: 'use --ignition-as base: base/base.ign is always read, and user configs are merged over it',
    severity: 'error',
  },
  {
    path: GRUB_CFG_PATH,
    scopes: [{ distro: 'container-linux', below: 518 }],
    why: 'before December 2014, branch 518, the boot loader reads nothing from the OEM partition',
    instead: 'leave it out: there is no way to add kernel arguments to this release',
    severity: 'warning',
  },
  {
    path: '/bin/coreos-setup-environment',
    scopes: [{ distro: 'flatcar' }],
    why: 'Flatcar runs bin/flatcar-setup-environment',
    instead: 'add the script under that name',
    severity: 'warning',
  },
  {
    path: '/bin/flatcar-setup-environment',
    scopes: [{ distro: 'container-linux' }],
    why: 'Container Linux runs bin/coreos-setup-environment',
    instead: 'add the script under that name',
    severity: 'warning',
  },
]

/** Why a file would do nothing on this release; undefined when it has an effect or is no file of this matrix. */
export function noEffectOf(path: string, release: KnownRelease): NoEffect | undefined {
  return ERA_ROWS.find((row) => row.path === path && isInAnyScope(release, row.scopes))
}

/** Whether GRUB turns `oem_id` into the kernel argument that Ignition takes its platform from. */
export function readsOemIdFromGrub(release: KnownRelease): boolean {
  return release.branch >= 835
}
