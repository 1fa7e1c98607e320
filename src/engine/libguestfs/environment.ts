/**
 * The environment of guestfish: the user's, with what must hold for our sessions.
 *
 * See guestfs(3), "ENVIRONMENT VARIABLES". The user's choice of hypervisor (`LIBGUESTFS_HV`), memory, appliance
 * (`LIBGUESTFS_PATH`), kernel (`SUPERMIN_KERNEL`) and further backend settings stays.
 */

type Environment = Readonly<Record<string, string | undefined>>

/** Whether the appliance's processor is the machine's own or emulated by qemu ("tiny code generator"). */
export type Acceleration = 'kvm' | 'tcg'

/** The backend setting that keeps libguestfs from trying KVM. */
const FORCE_TCG = 'force_tcg'

function settingsOf(env: Environment): readonly string[] {
  return (env.LIBGUESTFS_BACKEND_SETTINGS ?? '').split(':').filter((setting) => setting !== '')
}

/** The user has ruled KVM out. */
export function isTcgForced(env: Environment): boolean {
  return settingsOf(env).some((setting) => setting === FORCE_TCG || setting === `${FORCE_TCG}=1`)
}

/** Where libguestfs keeps the appliance that all sessions share; the rule is guestfs(3)'s, "get_cachedir". */
export function cacheDirectory(env: Environment): string {
  return env.LIBGUESTFS_CACHEDIR ?? env.TMPDIR ?? '/var/tmp'
}

/** @param temporaryDirectory of this session only, removed with it */
export function guestfishEnvironment(
  env: Environment,
  acceleration: Acceleration,
  temporaryDirectory: string,
): Record<string, string | undefined> {
  const settings = settingsOf(env)
  const forced = acceleration === 'kvm' || isTcgForced(env) ? settings : [...settings, FORCE_TCG]
  return {
    ...env,
    // libvirt would run the hypervisor as another user, out of our sight.
    LIBGUESTFS_BACKEND: 'direct',
    LIBGUESTFS_BACKEND_SETTINGS: forced.length === 0 ? undefined : forced.join(':'),
    LIBGUESTFS_CACHEDIR: cacheDirectory(env),
    LIBGUESTFS_TMPDIR: temporaryDirectory,
    TMPDIR: temporaryDirectory,
    // guestfish writes ~/.guestfish even when it reads a script.
    HOME: temporaryDirectory,
    LC_ALL: 'C',
    LANGUAGE: undefined,
    // Both mix their own lines into stderr for the whole session; a launch is verbose anyway.
    LIBGUESTFS_DEBUG: undefined,
    LIBGUESTFS_TRACE: undefined,
    // For the supervisor, which is a plain node process: no debugger port, no loader of the parent's.
    NODE_OPTIONS: undefined,
  }
}
