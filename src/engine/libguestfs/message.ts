/**
 * What libguestfs itself says about a failure, without the advice that it prints round it.
 *
 * The text goes into messages only; nothing is decided by it. guestfish runs with `LC_ALL=C`, so that it is English.
 */

/** guestfish puts the script's name and line before the library's prefix. */
const ERROR_LINE = /^(?:\*stdin\*:\d+: )?libguestfs: error: (.*)$/

/** First line of advice, which is the same for every failure; it goes on until libguestfs reports another error. */
const ADVICE = [
  /^This usually means /,
  /^To see full error messages /,
  /^Do:$/,
  /^See (also )?(guestfs|https?:)/,
  /^For (further|more) information/,
  /^If reporting bugs/,
  /^You can also (try )?run/,
  /^\(in guestfish, don't forget to use the 'run' command\)/,
]

/** What else is printed while a launch is verbose: the library's steps, supermin, the appliance's daemon and kernel. */
const VERBOSE = /^(libguestfs|supermin|guestfsd): |^\[ *\d/

/** How much of it goes into a message. */
const MAX_LINES = 4

/**
 * The library's own words, on one line.
 *
 * @param stderr the end of what guestfish printed
 */
export function parseErrorMessage(stderr: string): string {
  const lines = stderr.split(/\r?\n/).filter((line) => line.trim() !== '')
  const found: string[] = []
  let isMessage = false
  for (const line of lines) {
    const [, message] = ERROR_LINE.exec(line) ?? []
    if (message !== undefined) found.push(message)
    else if (isMessage && !isOther(line)) found.push(line.trim())
    isMessage = message !== undefined || (isMessage && !isOther(line))
  }
  const said = found.length > 0 ? found.slice(0, MAX_LINES) : lines.slice(-MAX_LINES).map((line) => line.trim())
  return said.length === 0 ? 'it said nothing' : said.join('; ')
}

function isOther(line: string): boolean {
  return VERBOSE.test(line) || ADVICE.some((pattern) => pattern.test(line))
}

/** The last lines of an appliance's console, without the escape sequences that firmware prints. */
export function consoleTail(stderr: string, count = 12): readonly string[] {
  return (
    stderr
      // libguestfs prints control characters of the console as `\x1b`, in text.
      .replace(/\\x1b(?:\[[0-9;?]*[A-Za-z]|c)/g, '')
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .slice(-count)
  )
}
