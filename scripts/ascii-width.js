/**
 * Stands in for string-width in the bundle: all that yargs measures there is our own help, which is ASCII. The real one
 * compiles regular expressions of all emoji at every start, 20 ms (measured 2026-11).
 */
// biome-ignore lint/style/noDefaultExport: as string-width has it
export default function asciiWidth(text) {
  return text.length
}
