/**
 * What libguestfs itself says about a failure, without the advice that it prints round it.
 *
 * The text goes into messages only; nothing is decided by it. guestfish runs with `LC_ALL=C`, so that it is English.
 */

/** guestfish puts the script's name and line before the library's prefix. */
const ERROR_LINE = /^(?:\*stdin\*:\d+: )?libguestfs: error: (.*)$/

/** Same for every failure, or about the environment of whoever runs guestfish by hand. */
const BOILERPLATE = [
  /^This usually means the libguestfs appliance failed to start or crashed/,
  /^This usually means your kernel crashed/,
  /^Do:$/,
  /^\s*export LIBGUESTFS_(DEBUG|TRACE)=/,
  /^and run the command again/,
  /^You can also try running libguestfs-test-tool/,
  /^See also guestfs-faq/,
  /^See https?:\/\/libguestfs\.org/,
  /^or run 'libguestfs-test-tool'/,
  /^For further information, read the guestfs-faq/,
  /^\(in guestfish, don't forget to use the 'run' command\)/,
  /^If reporting bugs, run 'libguestfs-test-tool'/,
]

/** How much of it goes into a message. */
const MAX_LINES = 4

/**
 * The library's own words, on one line.
 *
 * @param stderr the end of what guestfish printed
 */
export function parseErrorMessage(stderr: string): string {
  const lines = stderr
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !BOILERPLATE.some((pattern) => pattern.test(line)))
  const found: string[] = []
  for (const line of lines) {
    const match = ERROR_LINE.exec(line)
    // A message may go on over lines, but between two messages there may be a whole boot.
    if (match?.[1] !== undefined) found.push(match[1])
    else if (found.length > 0 && !/^(libguestfs|supermin|guestfsd): |^\[ *\d/.test(line)) found.push(line.trim())
  }
  const said = found.length > 0 ? found.slice(0, MAX_LINES) : lines.slice(-MAX_LINES).map((line) => line.trim())
  return said.length === 0 ? 'it said nothing' : said.join('; ')
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
