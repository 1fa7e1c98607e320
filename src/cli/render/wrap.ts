/**
 * Sentences in columns: a label, and beside it text that is broken at blanks.
 */
const COLUMNS = 96

/** @returns lines; a word that is longer than a line stays whole */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** The label stands before the first of the lines only. @param width of the label's column, indent included */
export function labelled(label: string, texts: readonly string[], width: number): readonly string[] {
  return texts
    .flatMap((text) => wrapped(text, COLUMNS - width))
    .map((line, index) => `${(index === 0 ? `  ${label}` : '').padEnd(width)}${line}`.trimEnd())
}
