/**
 * File names are bytes; our paths are strings. This is the map between them, and it loses nothing.
 *
 * A name that is UTF-8 is that text. In any other, each byte that is not part of well-formed UTF-8 becomes a lone
 * surrogate U+DC80 to U+DCFF (the scheme of PEP 383), which no UTF-8 text can hold, so that the way back is exact. Such
 * a name can thus be listed, compared and removed; as JSON it is escaped, and for people it prints as a replacement mark.
 */

const ESCAPE_BASE = 0xdc00
const isEscape = (unit: number): boolean => unit >= ESCAPE_BASE + 0x80 && unit <= ESCAPE_BASE + 0xff

export function decodeName(bytes: Uint8Array): string {
  const whole = wellFormed(bytes)
  if (whole !== undefined) return whole
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    const part = length === 0 ? undefined : wellFormed(bytes.subarray(at, at + length))
    if (part === undefined) {
      text += String.fromCharCode(ESCAPE_BASE + (bytes[at] ?? 0))
      at += 1
    } else {
      text += part
      at += length
    }
  }
  return text
}

export function encodeName(text: string): Buffer {
  const whole = Buffer.from(text, 'utf8')
  if (whole.toString('utf8') === text) return whole
  const parts: Buffer[] = []
  // Iterating by code points keeps surrogate pairs together and yields lone ones alone.
  for (const character of text) {
    const unit = character.charCodeAt(0)
    parts.push(
      character.length === 1 && isEscape(unit) ? Buffer.from([unit - ESCAPE_BASE]) : Buffer.from(character, 'utf8'),
    )
  }
  return Buffer.concat(parts)
}

/** Text of bytes that are UTF-8 and nothing else. */
function wellFormed(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}

/** Bytes of the sequence that a lead byte announces; 0 for a byte that leads none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  if (lead < 0xc2) return 0
  if (lead < 0xe0) return 2
  if (lead < 0xf0) return 3
  return lead < 0xf5 ? 4 : 0
}
