/**
 * Columns of text, padded to the widest cell; the last column is left ragged.
 */
export type Alignment = 'left' | 'right'

/** @returns lines without trailing spaces */
export function table(rows: readonly (readonly string[])[], alignments: readonly Alignment[], indent = '  '): string[] {
  const widths = alignments.map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, (row[column] ?? '').length), 0),
  )
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      alignments[column] === 'right' ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    )
    return `${indent}${cells.join('  ')}`.trimEnd()
  })
}

/** Text that may come from an image, as one word: control characters can't reach the terminal, nothing is ambiguous. */
export function printable(text: string): string {
  return visible(text.replaceAll('\\', '\\\\')).replaceAll('\n', '\\u{a}')
}

/** The same for sentences, which may hold text from an image: lines stay lines, and backslashes single. */
export function visible(text: string): string {
  return text.replace(
    /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}
