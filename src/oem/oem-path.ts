/**
 * Paths within the OEM partition: absolute, already in their shortest form, and nothing a shell or a human could misread.
 *
 * The partition's root is `/`; a running machine shows it as /usr/share/oem (and /oem on Flatcar).
 */
import { UsageError } from '../errors.js'

/** ext4 and btrfs alike (linux/limits.h NAME_MAX). */
const NAME_MAX_BYTES = 255
const MOUNT_POINTS = ['/usr/share/oem', '/oem']

/**
 * @param what for the message: `--file destination`
 * @throws ERR_OEM_PATH_INVALID
 */
export function assertOemPath(path: string, what: string): void {
  const refuse = (reason: string, hint?: string): never => {
    throw new UsageError('ERR_OEM_PATH_INVALID', `${what} ${JSON.stringify(path)} ${reason}`, {
      hint: hint ?? 'give an absolute path within the OEM partition, such as /cloud-config.yml',
      details: { path },
    })
  }
  if (!path.startsWith('/')) refuse('is not absolute', `write /${path}: paths start at the root of the OEM partition`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) refuse('holds a control character')
  // A lone surrogate has no UTF-8 form: the file would get another name than the one asked for.
  if (Buffer.from(path, 'utf8').toString('utf8') !== path) refuse('is not well-formed Unicode')
  if (path === '/') refuse('is the root of the OEM partition itself')
  for (const name of path.slice(1).split('/')) {
    if (name === '') refuse('has an empty part', 'leave out doubled and trailing slashes')
    if (name === '.' || name === '..') refuse(`has a part ${name}`, 'write the path out, without . and ..')
    if (Buffer.byteLength(name) > NAME_MAX_BYTES) refuse(`has a part longer than ${NAME_MAX_BYTES} bytes`)
  }
  if (isOwnHistory(path)) refuse("is where oem-bake keeps this image's history", 'leave it out')
  const mountPoint = MOUNT_POINTS.find((root) => path === root || path.startsWith(`${root}/`))
  if (mountPoint !== undefined) {
    const within = path.slice(mountPoint.length)
    refuse(
      'starts with the place where the OEM partition gets mounted',
      within === '' ? undefined : `write ${within}: paths start at the root of the OEM partition`,
    )
  }
}

/** `/a/b/c` → `/a`, `/a/b`. */
export function parentsOf(path: string): string[] {
  const names = path.split('/')
  return names.slice(2).map((_, index) => names.slice(0, index + 2).join('/'))
}

/** Whether `path` is `directory` or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`)
}

/** Plain code unit order, as engines list. */
export function comparePaths(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Belongs to the filesystem itself: neither planned, listed nor checked. */
export function isFilesystemOwn(path: string): boolean {
  return isWithin(path, '/lost+found')
}

/** What oem-bake writes for itself (`history/history.ts`); nobody else puts anything there. */
export function isOwnHistory(path: string): boolean {
  return isWithin(path, '/.oem-bake.json')
}

/**
 * Flatcar's OEM system extensions and the `active-oem-*` marks beside them: without them the initrd downloads the
 * extension at boot, or the machine loses its agent (flatcar/bootengine, initrd-setup-root-after-ignition).
 */
export function isAlwaysKept(path: string): boolean {
  return isWithin(path, '/sysext')
}
