/**
 * ASCII armor and clear-signed text: from a text file to binary packets, and to exactly the text that was signed.
 *
 * RFC 9580 sections 6.2 (armor) and 7 (cleartext signature framework). Stricter than the RFC on purpose: a clear-signed file
 * is the signed text and its signature and nothing else, because whatever stood outside would look signed to a reader and
 * isn't. The checksum (section 6.1) is not checked: it is optional, and signatures and keys prove themselves.
 *
 * Pure.
 */
export type ArmorKind = 'SIGNATURE' | 'PUBLIC KEY BLOCK' | 'PRIVATE KEY BLOCK' | 'MESSAGE'

export interface ArmorBlock {
  readonly kind: string
  readonly bytes: Buffer
}

/** What is wrong with a text; completes a sentence that starts with the file's name. */
export interface ArmorFault {
  readonly fault: string
}

export interface ClearSigned {
  /** As it was signed: lines end with CR LF, blanks at their ends are gone (section 7.1). */
  readonly canonical: Buffer
  /** For reading: the same lines. */
  readonly text: string
  /** Line of the file that the text begins in, counted from 1. */
  readonly firstLine: number
  /** The packets of the signature. */
  readonly signature: Buffer
}

const CLEAR_SIGNED = '-----BEGIN PGP SIGNED MESSAGE-----'
const BEGIN = /^-----BEGIN PGP ([A-Z ]+)-----$/
const HEADER = /^[A-Za-z][A-Za-z0-9-]*:(?: .*)?$/
const BASE64_LINE = /^[A-Za-z0-9+/]*={0,2}$/
const CHECKSUM = /^=[A-Za-z0-9+/]{4}$/

/** Whether a file is text in armor, not binary packets: those begin with a byte above 0x7F (section 4.2). */
export function isArmored(bytes: Buffer): boolean {
  return bytes.length > 0 && (bytes[0] ?? 0) < 0x80
}

export function isClearSigned(bytes: Buffer): boolean {
  return linesOf(bytes.toString('latin1'))[0] === CLEAR_SIGNED
}

/** All blocks of a text, in order; what stands around them is passed over, as people's notes in key files are. */
export function parseArmor(text: string): readonly ArmorBlock[] | ArmorFault {
  const lines = linesOf(text)
  const blocks: ArmorBlock[] = []
  for (let at = 0; at < lines.length; ) {
    const kind = BEGIN.exec(lines[at] ?? '')?.[1]
    if (kind === undefined) {
      at++
      continue
    }
    const block = parseBlock(lines, at, kind)
    if ('fault' in block) return block
    blocks.push({ kind, bytes: block.bytes })
    at = block.next
  }
  return blocks
}

/** What was signed are bytes: a text that is not UTF-8 has to come out as it went in. */
export function parseClearSigned(bytes: Buffer): ClearSigned | ArmorFault {
  const lines = linesOf(bytes.toString('latin1'))
  if (lines[0] !== CLEAR_SIGNED) return { fault: `does not begin with ${CLEAR_SIGNED}` }
  let at = 1
  while (HEADER.test(lines[at] ?? '')) {
    // Section 7: only Hash headers; another one would be text that looks signed and isn't.
    if (!/^Hash: /.test(lines[at] ?? '')) return { fault: `has a header in line ${at + 1} that is not Hash` }
    at++
  }
  if (lines[at] !== '') return { fault: `has no blank line after its headers, in line ${at + 1}` }
  const signed: string[] = []
  const firstLine = at + 2
  for (at++; at < lines.length && !(lines[at] ?? '').startsWith('-----'); at++) {
    const line = lines[at] ?? ''
    if (line.startsWith('-') && !line.startsWith('- '))
      return { fault: `has a dash that is not escaped, in line ${at + 1}` }
    signed.push(line.startsWith('- ') ? line.slice(2) : line)
  }
  const kind = BEGIN.exec(lines[at] ?? '')?.[1]
  if (kind !== 'SIGNATURE') return { fault: 'has no signature after its text' }
  const block = parseBlock(lines, at, kind)
  if ('fault' in block) return block
  if (lines.slice(block.next).some((line) => line !== ''))
    return { fault: `goes on after its signature, in line ${block.next + 1}` }
  const text = Buffer.from(signed.join('\n'), 'latin1').toString('utf8')
  return { canonical: Buffer.from(signed.join('\r\n'), 'latin1'), text, firstLine, signature: block.bytes }
}

function parseBlock(
  lines: readonly string[],
  begin: number,
  kind: string,
): { readonly bytes: Buffer; readonly next: number } | ArmorFault {
  const where = `its ${kind} in line ${begin + 1}`
  let at = begin + 1
  while (HEADER.test(lines[at] ?? '')) at++
  if (lines[at] !== '') return { fault: `has no blank line after the headers of ${where}` }
  const end = lines.indexOf(`-----END PGP ${kind}-----`, at)
  if (end === -1) return { fault: `has no end of ${where}: it is cut short` }
  const body = lines.slice(at + 1, end).filter((line) => line !== '')
  if (CHECKSUM.test(body.at(-1) ?? '')) body.pop()
  const wrong = body.find((line, index) => !BASE64_LINE.test(line) || (line.includes('=') && index < body.length - 1))
  const base64 = body.join('')
  if (wrong !== undefined || base64.length % 4 !== 0) return { fault: `has something other than base64 in ${where}` }
  return { bytes: Buffer.from(base64, 'base64'), next: end + 1 }
}

/** Blanks at the ends of lines count for nothing (sections 6.2 and 7.1). */
function linesOf(text: string): readonly string[] {
  return text
    .replace(/^(?:\uFEFF|\xEF\xBB\xBF)/, '')
    .split('\n')
    .map(withoutBlanksAtEnd)
}

/** A regular expression would begin anew at each blank of a line that has many inside. */
function withoutBlanksAtEnd(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end--
  return line.slice(0, end)
}
