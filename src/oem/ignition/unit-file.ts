/**
 * A unit file as Ignition reads it before it writes it, to see whether it can be read and has an [Install] section.
 *
 * Source: coreos/go-systemd unit/deserialize.go, as `ignition-validate` 2.14 answers (measured): text before the first [
 * is skipped, a section's name ends at the next ] even on another line, a comment goes on after a backslash.
 */

export type UnitFile =
  | { readonly kind: 'unit'; readonly hasInstall: boolean }
  | { readonly kind: 'fault'; readonly why: string; readonly line: number }

/** Of a line without its end. */
const LINE_LIMIT_BYTES = 2048 - 1

export function readUnitFile(text: string): UnitFile {
  const fault = (why: string, at: number): UnitFile => ({
    kind: 'fault',
    why,
    line: text.slice(0, at).split('\n').length,
  })
  const long = text.split('\n').findIndex((line) => Buffer.byteLength(line) > LINE_LIMIT_BYTES)
  if (long >= 0) return { kind: 'fault', why: 'a line of more than 2048 bytes', line: long + 1 }
  let at = firstSection(text)
  let section = ''
  let hasInstall = false
  while (at < text.length) {
    const character = text[at] ?? ''
    if (/\s/u.test(character)) {
      at++
    } else if (character === '#' || character === ';') {
      at = endOfLogicalLine(text, at)
    } else if (character === '[') {
      const close = text.indexOf(']', at)
      if (close < 0) return fault('a section whose name does not end with ]', at)
      section = text.slice(at + 1, close)
      const end = endOfLine(text, close)
      const rest = text.slice(close + 1, end).trim()
      if (rest !== '') return fault(`${JSON.stringify(rest.slice(0, 40))} behind a section's name`, close)
      at = end
    } else {
      const end = endOfLine(text, at)
      const equals = text.indexOf('=', at)
      if (equals < 0 || equals > end)
        return fault(`a line without = : ${JSON.stringify(text.slice(at, end).slice(0, 40))}`, at)
      if (section === 'Install') hasInstall = true
      at = endOfLogicalLine(text, equals)
    }
  }
  return { kind: 'unit', hasInstall }
}

/** Comments before the first section may hold a [. */
function firstSection(text: string): number {
  let at = 0
  while (at < text.length && text[at] !== '[') {
    at = text[at] === '#' || text[at] === ';' ? endOfLogicalLine(text, at) : at + 1
  }
  return at
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

/** A backslash at the end of a line takes the next one in. */
function endOfLogicalLine(text: string, from: number): number {
  let end = endOfLine(text, from)
  while (end < text.length && text[end - 1] === '\\') end = endOfLine(text, end + 1)
  return end
}
