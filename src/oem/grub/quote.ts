/**
 * Text that GRUB reads back exactly: between double quotes only three characters are special (GRUB manual, "Quoting").
 * What its reader takes out of a line before it looks at quotes has no written form (see `source-text.ts`).
 */
import { UsageError } from '../../errors.js'

/** @throws ERR_VARIABLE_INVALID */
export function quoteGrub(value: string): string {
  return `"${escapeInDoubleQuotes(value)}"`
}

/** @throws ERR_VARIABLE_INVALID for what GRUB would not read back: line breaks and NUL */
export function escapeInDoubleQuotes(value: string): string {
  if (/[\0\r\n]/.test(value)) {
    throw new UsageError(
      'ERR_VARIABLE_INVALID',
      `${JSON.stringify(value)} holds a line break or NUL, which no value in grub.cfg can`,
      { hint: 'give a value of one line' },
    )
  }
  return value.replace(/[\\"$]/g, (character) => `\\${character}`)
}
