/**
 * Commands in the language of a guestfish script, from any argument.
 *
 * guestfish reads a script line by line and splits a line into a command and its parameters. Outside quotes it gives a
 * meaning to `|`, `~`, `'` and blanks, and at the start of a line to `#`, `!`, `<!` and `-`; so every argument goes into
 * double quotes, where only `"`, `\` and the line's end have one. Bytes above 0x7f pass as they are.
 *
 * A list of names is one argument that guestfish splits once more, by blanks, single quotes and `\'`; see
 * {@link formatList}. Specification: guestfish(1), "QUOTING"; what it leaves open was tried on guestfish 1.48.
 *
 * A line longer than {@link MAX_LINE_BYTES} is cut in two by guestfish, which then takes the rest for a command. It is
 * refused here.
 */
import { EngineError, InternalError } from '../../errors.js'

/** guestfish reads a line into 8192 bytes: text, a line feed, and the NUL that ends a C string. */
export const MAX_LINE_BYTES = 8192 - 1 - 1

/** @throws ERR_INTERNAL for a NUL, which no C string and no path can hold */
function assertNoNul(text: string): void {
  if (text.includes('\0')) {
    throw new InternalError('ERR_INTERNAL', `a guestfish argument can't hold a NUL: ${JSON.stringify(text)}`)
  }
}

/** One argument, in double quotes. */
export function formatArgument(text: string): string {
  assertNoNul(text)
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

/**
 * The one argument that guestfish splits into these items; still to be quoted by {@link formatArgument}.
 *
 * Each run between single quotes goes into single quotes. A backslash right before a quote would take the quote's
 * meaning away, even inside quotes, so trailing backslashes stay outside: there they stand for themselves.
 */
export function formatList(items: readonly string[]): string {
  return items.map(formatItem).join(' ')
}

function formatItem(item: string): string {
  assertNoNul(item)
  if (item === '') return "''"
  return item
    .split("'")
    .map((run) => {
      const [, head = '', backslashes = ''] = /^(.*?)(\\*)$/s.exec(run) ?? []
      return (head === '' ? '' : `'${head}'`) + backslashes
    })
    .join("\\'")
}

/**
 * A whole script line without its line feed.
 *
 * @param options optional parameters, which guestfish takes as `name:value`
 * @throws ERR_GUESTFISH when the line is longer than guestfish can read
 */
export function formatCommand(
  name: string,
  args: readonly string[],
  options: Readonly<Record<string, string | boolean>> = {},
): string {
  const optional = Object.entries(options).map(([option, value]) => formatArgument(`${option}:${value}`))
  const line = [name, ...args.map(formatArgument), ...optional].join(' ')
  const bytes = Buffer.byteLength(line)
  if (bytes > MAX_LINE_BYTES) {
    throw new EngineError(
      'ERR_GUESTFISH',
      `guestfish ${name}: the command is ${bytes} bytes long, and guestfish reads at most ${MAX_LINE_BYTES}`,
      { hint: 'use shorter paths: a shorter --tmp-dir, or shorter names on the partition' },
    )
  }
  return line
}

/**
 * Splits items into lists that each fit a line beside `reservedBytes` of other text.
 * An item that fits no line gets a list of its own, which {@link formatCommand} then refuses.
 */
export function batchesOf(items: readonly string[], reservedBytes: number): readonly (readonly string[])[] {
  const batches: string[][] = []
  let room = 0
  for (const item of items) {
    const bytes = Buffer.byteLength(formatArgument(formatItem(item))) + 1
    const last = batches.at(-1)
    if (last === undefined || bytes > room) {
      batches.push([item])
      room = MAX_LINE_BYTES - reservedBytes - bytes
    } else {
      last.push(item)
      room -= bytes
    }
  }
  return batches
}
