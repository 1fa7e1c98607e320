/**
 * An OEM grub.cfg as GRUB's reader hands it to its parser, line by line.
 *
 * Source: coreos/grub grub-core/normal/main.c (how a configuration file's lines are read), measured with grub-emu 2.06:
 * carriage returns are left out wherever they stand, a line that begins with `#` is left out even inside quotes, a NUL
 * ends its line, and the last line gets the newline that it lacks.
 */

export interface SourceText {
  /** What the parser sees; every line ends with a newline. */
  readonly text: string
  /** Where in the file the character at this place of `text` stands. */
  readonly offsetOf: (index: number) => number
}

export interface LineAndColumn {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export function readSourceText(file: string): SourceText {
  let text = ''
  const offsets: number[] = []
  let lineStart = 0
  while (lineStart < file.length) {
    const newline = file.indexOf('\n', lineStart)
    const end = newline === -1 ? file.length : newline
    const kept: number[] = []
    for (let offset = lineStart; offset < end && file[offset] !== '\0'; offset++) {
      if (file[offset] !== '\r') kept.push(offset)
    }
    if (file[kept[0] ?? end] !== '#') {
      for (const offset of kept) {
        text += file[offset] ?? ''
        offsets.push(offset)
      }
      text += '\n'
      offsets.push(end)
    }
    lineStart = end + 1
  }
  return { text, offsetOf: (index) => offsets[index] ?? file.length }
}

export function lineAndColumn(file: string, offset: number): LineAndColumn {
  const before = file.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}
