/**
 * The label that an error or a warning begins with on standard error: coloured where a person looks at a terminal, and
 * nowhere else.
 *
 * NO_COLOR is https://no-color.org: set and not empty. A terminal that can do nothing calls itself TERM=dumb.
 */
export type Gravity = 'error' | 'warning'

/** ECMA-48 SGR: bold, and red or yellow. */
const COLOURS: Readonly<Record<Gravity, string>> = { error: '\x1b[1;31m', warning: '\x1b[1;33m' }
const PLAIN = '\x1b[0m'

export function label(gravity: Gravity, coloured: boolean): string {
  return coloured ? `${COLOURS[gravity]}${gravity}:${PLAIN}` : `${gravity}:`
}

export function takesColour(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
}
