/**
 * Reads an oem-release that somebody wrote, and says everything that one of its readers would stumble over, with line and
 * column: the grammar that all of them understand alike is much narrower than what each takes.
 *
 * What is accepted without an error gives every reader the same values; the tests ask real shells.
 */
import { given } from '../../given.js'
import type { Finding, Place } from '../finding.js'
import { nearestName } from '../nearest.js'
import { KEYS, looseOemReleaseId, OEM_RELEASE_KEYS, type OemRelease, type OemReleaseKey } from './oem-release.js'
import { OEM_RELEASE_RULES } from './rules.js'
import { evaluateShellValue, type ShellFault } from './shell-value.js'

export interface OemReleaseReading {
  /** Undefined when one of its readers would stop, or a key is missing that every vendor gives. */
  readonly release: OemRelease | undefined
  /** As Flatcar's updater sees it, whatever else is wrong. */
  readonly id: string | undefined
  readonly findings: readonly Finding[]
}

type Found = Parameters<typeof OEM_RELEASE_RULES.found>
type Say = (rule: Found[0], says: string, details?: Found[2]) => void

const FAULT_RULE: Readonly<Record<ShellFault, Found[0]>> = {
  unquoted: 'oem-release-unquoted',
  'open-quote': 'oem-release-open-quote',
  expansion: 'oem-release-expansion',
  control: 'oem-release-control',
}

/** @param file what findings call it */
export function readOemRelease(text: string, file: string): OemReleaseReading {
  const findings: Finding[] = []
  const values = new Map<string, string>()
  const firstLine = new Map<string, number>()
  let hasCr = false
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  for (const [index, raw] of lines.entries()) {
    const line = index + 1
    const sayAt = (place: Omit<Place, 'file'>): Say => {
      return (rule, says, details = {}) =>
        findings.push(OEM_RELEASE_RULES.found(rule, says, { place: { file, ...place }, ...details }))
    }
    // Once: all lines of such a file end like this.
    if (raw.endsWith('\r') && !hasCr) {
      hasCr = true
      sayAt({ line, column: raw.length })(
        'oem-release-cr',
        'the line ends as on Windows, and the carriage return becomes part of the value',
        { hint: 'save the file with LF line ends' },
      )
    }
    const entry = readLine(raw.endsWith('\r') ? raw.slice(0, -1) : raw, line, sayAt)
    if (entry === undefined) continue
    const earlier = firstLine.get(entry.name)
    if (earlier !== undefined) {
      sayAt({ line, column: 1 })('oem-release-duplicate-key', `${entry.name} stands on line ${earlier} already`, {
        hint: 'keep one of the two lines',
        // Of the others the last one counts, everywhere.
        ...(entry.name === 'ID' ? {} : { severity: 'warning' }),
      })
    } else firstLine.set(entry.name, line)
    if (entry.value !== undefined) values.set(entry.name, entry.value)
  }
  findings.push(...checkEnd(text, lines, file), ...checkMissing(values, firstLine, file))
  return {
    release: findings.some(({ severity }) => severity === 'error') ? undefined : releaseOf(values),
    id: looseOemReleaseId(text),
    findings,
  }
}

interface Entry {
  readonly name: string
  /** Undefined when a shell would make something else of it, or nothing. */
  readonly value: string | undefined
}

function readLine(text: string, line: number, sayAt: (place: Omit<Place, 'file'>) => Say): Entry | undefined {
  const say = (column: number): Say => sayAt({ line, column })
  if (text.trim() === '') {
    say(1)('oem-release-blank-line', 'a blank line ends the installers: they put OEM_ before every line and run it', {
      hint: 'take the line out',
    })
    return undefined
  }
  if (/^\s*#/.test(text)) {
    say(1)('oem-release-comment', 'a comment ends the installers: they put OEM_ before every line and run it', {
      hint: 'take the line out: no reader has a notion of comments',
    })
    return undefined
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/su.exec(text)
  const [, name, rest] = match ?? []
  if (name === undefined || rest === undefined) {
    say(1)('oem-release-line', `expected KEY=value, found ${JSON.stringify(shortened(text))}`, { hint: lineHint(text) })
    return undefined
  }
  const key = KEYS.find((known) => known.key === name)
  if (key === undefined) {
    const nearest = nearestName(name.toUpperCase(), OEM_RELEASE_KEYS)
    say(1)('oem-release-unknown-key', `nobody reads a key ${name}`, {
      hint: nearest === undefined ? `keys are ${OEM_RELEASE_KEYS.join(', ')}` : `did you mean ${nearest}?`,
    })
  }
  return { name, value: readValue(name, key, rest, name.length + 2, say) }
}

function readValue(
  name: string,
  key: OemReleaseKey | undefined,
  rest: string,
  firstColumn: number,
  say: (column: number) => Say,
): string | undefined {
  const whole = evaluateShellValue(rest, firstColumn)
  // Shells don't see blanks and comments behind a value.
  const end = whole.fault?.kind === 'unquoted' ? whole.fault.column - firstColumn : rest.length
  const tail = rest.slice(end)
  const isHarmless = /^[ \t]+(#.*)?$/u.test(tail)
  const { backslashColumn, fault, quoted, value } = isHarmless
    ? evaluateShellValue(rest.slice(0, end), firstColumn)
    : whole
  if (fault !== undefined) {
    say(fault.column)(FAULT_RULE[fault.kind], faultText(name, fault.kind, fault.text), {
      hint: faultHint(name, key, fault.kind),
    })
    return undefined
  }
  if (backslashColumn !== undefined) {
    say(backslashColumn)(
      'oem-release-backslash',
      `${name} holds a backslash, which some readers take away and some keep`,
      {
        hint: 'leave it out',
      },
    )
  }
  const isCut = key?.quoting === 'bare'
  if (isHarmless && (isCut || tail.includes('#'))) {
    say(firstColumn + end)(
      tail.includes('#') ? 'oem-release-comment' : 'oem-release-unquoted',
      `${name} has ${tail.includes('#') ? 'a comment' : 'a blank'} behind it, which whoever cuts the line at its equals sign takes as part of the value`,
      { hint: 'end the line with the value', ...(isCut ? {} : { severity: 'warning' }) },
    )
  }
  if (!isCut || value === undefined) return value
  if (quoted) {
    say(firstColumn)(
      'oem-release-quoted-id',
      `${name} stands between quotes, and the updater takes them as part of the ${name === 'ID' ? 'id' : 'version'}`,
      { hint: `write ${name}=${value}`, ...(name === 'ID' ? {} : { severity: 'warning' }) },
    )
  }
  const stranger = /[^a-z0-9._-]/u.exec(value)
  if (stranger !== null) {
    say(firstColumn)(
      'oem-release-id-form',
      `${name} is ${JSON.stringify(value)}, expected lower-case letters, digits, dots, dashes and underscores`,
      {
        hint: `write ${name}=${value.toLowerCase().replace(/[^a-z0-9._-]+/gu, '-')}`,
        // Cut off at an equals sign, taken for a directory at a slash; anything else is merely unusual.
        ...(name === 'ID' && /[=/]/.test(value) ? {} : { severity: 'warning' }),
      },
    )
  }
  return value
}

function checkEnd(text: string, lines: readonly string[], file: string): readonly Finding[] {
  if (text === '' || text.endsWith('\n')) return []
  const place = { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
  return [
    OEM_RELEASE_RULES.found(
      'oem-release-no-newline',
      'the last line has no line feed, and readers that go line by line lose it',
      {
        place,
        hint: 'end the file with a line feed',
      },
    ),
  ]
}

function checkMissing(
  values: ReadonlyMap<string, string>,
  seen: ReadonlyMap<string, number>,
  file: string,
): readonly Finding[] {
  return KEYS.flatMap(({ key, required }) => {
    // What is there but can't be read has its finding already.
    if (!required || values.get(key) || (seen.has(key) && !values.has(key))) return []
    const line = seen.get(key)
    return [
      OEM_RELEASE_RULES.found(
        'oem-release-missing-key',
        line === undefined ? `there is no ${key}` : `${key} is empty`,
        {
          place: { file, ...(line === undefined ? {} : { line, column: key.length + 2 }) },
          hint: key === 'NAME' ? 'add NAME="…"' : `add ${key}=…`,
          ...(key === 'ID' ? {} : { severity: 'warning' }),
        },
      ),
    ]
  })
}

function releaseOf(values: ReadonlyMap<string, string>): OemRelease | undefined {
  const [id, versionId, name, homeUrl, bugReportUrl] = KEYS.map(({ key }) => values.get(key))
  if (id === undefined || versionId === undefined || name === undefined) return undefined
  return given({ id, versionId, name, homeUrl, bugReportUrl })
}

function lineHint(text: string): string {
  if (text.startsWith('\ufeff')) return 'save the file without a byte order mark'
  if (/^\s+\S/.test(text)) return 'take the blanks before the key out'
  if (/^\w+\s*=/.test(text)) return 'take the blanks before the equals sign out'
  if (/^export\s/.test(text)) return 'leave export out'
  if (/^[\w-]+:\s/.test(text)) return 'write KEY=value; this is no YAML'
  return 'take the line out'
}

function faultText(name: string, kind: ShellFault, found: string): string {
  switch (kind) {
    case 'unquoted':
      return found === ' ' || found === '\t'
        ? `${name} holds a blank outside quotes: the installers run what follows as a command`
        : `${name} holds ${found} outside quotes, where shells don't take it as text`
    case 'open-quote':
      return found === '\\' ? `${name} ends in a backslash` : `${name} has no second ${found} on its line`
    case 'expansion':
      return `${name} holds ${found}, which shells replace by something else`
    case 'control': {
      if (found === '\ufffd') return `${name} holds bytes that are no UTF-8`
      const code = found.codePointAt(0) ?? 0
      return `${name} holds a control character, U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    }
  }
}

function faultHint(name: string, key: OemReleaseKey | undefined, kind: ShellFault): string {
  if (kind === 'unquoted' && key?.quoting !== 'bare') return `write ${name}="…"`
  if (kind === 'open-quote') return 'close the quote, or leave it out'
  return 'leave it out'
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
