/** Where what can be made again is kept from one run to the next. */
import { isAbsolute, join } from 'node:path'

/** `$XDG_CACHE_HOME/oem-bake` or `~/.cache/oem-bake`; undefined when neither is known. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME: base, HOME: home } = env
  if (base !== undefined && isAbsolute(base)) return join(base, 'oem-bake')
  return home !== undefined && isAbsolute(home) ? join(home, '.cache', 'oem-bake') : undefined
}
