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
  const lines: string[] = []
  const offsets: number[] = []
  let lineStart = 0
  while (lineStart < file.length) {
    const newline = file.indexOf('\n', lineStart)
    const end = newline === -1 ? file.length : newline
    const whole = file.slice(lineStart, end)
    const line = whole.split('\0', 1)[0] ?? ''
    const kept = line.replaceAll('\r', '')
    // Carriage returns at the end of the file are no last line.
    const isLine = newline !== -1 || /[^\r]/.test(whole)
    if (isLine && !kept.startsWith('#')) {
      lines.push(kept, '\n')
      for (let index = 0; index < line.length; index++) {
        if (line[index] !== '\r') offsets.push(lineStart + index)
      }
      offsets.push(end)
    }
    lineStart = end + 1
  }
  return { text: lines.join(''), offsetOf: (index) => offsets[index] ?? file.length }
}

/** Finds lines quickly, however many there are: a partition may hold any file as grub.cfg. */
export function lineFinder(file: string): (offset: number) => LineAndColumn {
  const starts = [0]
  for (let newline = file.indexOf('\n'); newline !== -1; newline = file.indexOf('\n', newline + 1)) {
    starts.push(newline + 1)
  }
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}
