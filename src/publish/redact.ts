/**
 * Takes out of what is published what is nobody else's business: secrets, and where files lie on this machine.
 *
 * Names of files are shortened to their last part where they are known to be such. Free text (a finding quotes the place
 * that it is about, a line of a file, a path) goes through a `Redactor`, which knows the run's secrets and paths.
 */
import { basename, dirname, isAbsolute, resolve } from 'node:path'

export const REDACTED = '(redacted)'

/** Shorter ones would make holes in words that have nothing to do with them. */
const SECRET_CHARACTERS_MIN = 3

export class Redactor {
  readonly #replacements: readonly (readonly [string, string])[]

  /**
   * @param secrets values that must not show
   * @param paths files of this machine, as the user wrote them
   */
  constructor(secrets: readonly string[], paths: readonly string[]) {
    const forms = secrets
      .filter((secret) => secret.length >= SECRET_CHARACTERS_MIN)
      // As it is, and as messages quote it.
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    const written = paths.filter((path) => path !== '').flatMap((path) => [path, resolve(path)])
    const replacements = new Map<string, string>([
      ...written.flatMap((path): [string, string][] => {
        const directory = dirname(path)
        // A relative one may be any word: in `base/default.ign`, `base` is a directory of the OEM partition.
        const isPlain = directory.length > 1 && isAbsolute(directory)
        return [...(isPlain ? [[`${directory}/`, ''] satisfies [string, string]] : []), [path, basename(path)]]
      }),
      ...forms.map((form): [string, string] => [form, REDACTED]),
    ])
    // The longest first, so that no rest of one is left behind by a part of it.
    this.#replacements = [...replacements].sort(([left], [right]) => right.length - left.length)
  }

  text(text: string): string {
    let redacted = text
    for (const [what, by] of this.#replacements) redacted = redacted.replaceAll(what, () => by)
    return redacted
  }
}
