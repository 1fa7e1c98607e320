/**
 * Addresses of files on a server: what is asked for, with what, and what of it is told.
 *
 * A URL may carry secrets: a user name and a password, a token in its query. They go to the server that they are for, and into
 * no message, report or file; so whatever tells a URL tells `shown` of it.
 */

/** Without user name, password, query and hash. */
export function shown({ host, pathname, protocol }: URL): string {
  return `${protocol}//${host}${pathname}`
}

/** The same for what may be no URL: all before the last `@` may be a password. */
export function shownText(text: string): string {
  return text.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1')
}

/**
 * The file beside another one: what the other's path is to become.
 *
 * The query goes along: a server that wants a token wants it with every file, and one that does not passes over it. Which file
 * is meant, the path says.
 */
export function atPath(url: URL, pathname: string): URL {
  const beside = new URL(url)
  beside.pathname = pathname
  beside.hash = ''
  return beside
}

/**
 * What a URL's user name and password are sent as: undici does not send them, and curl does so (RFC 7617). For the origin of that
 * URL only: a redirect may lead to somebody else.
 *
 * @returns undefined when the URL has none, or such as can't be sent
 */
export function basicAuthorization({ password, username }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  try {
    const user = decodeURIComponent(username)
    // The first colon ends the user name.
    if (user.includes(':')) return undefined
    return `Basic ${Buffer.from(`${user}:${decodeURIComponent(password)}`).toString('base64')}`
  } catch {
    // A `%` that stands for no character.
    return undefined
  }
}
