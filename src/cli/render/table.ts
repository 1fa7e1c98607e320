/**
 * Columns of text, padded to the widest cell; the last column is left ragged.
 */
export type Alignment = 'left' | 'right'

/** @returns lines without trailing spaces */
export function table(rows: readonly (readonly string[])[], alignments: readonly Alignment[], indent = '  '): string[] {
  const widths = alignments.map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      alignments[column] === 'right' ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    )
    return `${indent}${cells.join('  ')}`.trimEnd()
  })
}

/** Text that may come from an image: control characters can't reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, (character) =>
    character === '\\' ? '\\\\' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}
