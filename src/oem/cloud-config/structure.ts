/**
 * A cloud-config against the table of keys: what is unknown, foreign, deprecated, of the wrong type, not allowed, or
 * spelled with hyphens.
 *
 * Which of that hurts depends on the release, so types and hyphens are gathered here and judged in the plan
 * (`release-checks.ts`). Sources: coreos-cloudinit config/validate/rules.go (checkStructure, checkValidity).
 */
import type { Finding, Place } from '../finding.js'
import { nearestName } from '../nearest.js'
import { plainScalarReadings } from '../yaml.js'
import { describeNode, isNull, keyText, type YamlMapping, type YamlNode, type YamlScalar } from '../yaml-tree.js'
import { canonicalKey } from './fields.js'
import { fits } from './go-yaml.js'
import { CLOUD_CONFIG, CLOUD_INIT_ONLY, CLOUD_INIT_ONLY_BELOW, type KeyType, type MappingType } from './keys.js'
import { CLOUD_CONFIG_RULES } from './rules.js'
import { meantMode, refusal, type ValueRule } from './values.js'

/** A value of a type that coreos-cloudinit can't take. */
export interface Mismatch {
  /** `coreos.units[0].runtime` */
  readonly path: string
  readonly expected: string
  readonly found: string
  readonly place: Place
  /** Whether the old reader takes it, or the new one; one of them doesn't. */
  readonly takenBy: { readonly old: boolean; readonly new: boolean }
}

/** A key with hyphens where underscores would do everywhere. */
export interface Hyphenated {
  readonly path: string
  readonly name: string
  readonly place: Place
}

export interface Structure {
  readonly findings: readonly Finding[]
  readonly mismatches: readonly Mismatch[]
  readonly hyphenated: readonly Hyphenated[]
}

export function checkStructure(root: YamlMapping, file: string): Structure {
  const walk = new Walk(file)
  walk.mapping(root, CLOUD_CONFIG, '')
  return walk
}

/** Enough to stop at; aliases can repeat a mistake as often as they like. */
const MOST_FINDINGS = 1000
/** What no reader takes for anything but text does not begin like this. */
const MAY_DIFFER = /^(?:[-+.0-9]|(?:y|n|yes|no|on|off|=)$)/i
/** Reading a scalar in two versions takes time; who writes more numbers than this gets no more notes. */
const MOST_READINGS = 2000
/** Longer than any key; distances to it would take long, too. */
const LONGEST_NAME = 64

class Walk implements Structure {
  readonly findings: Finding[] = []
  readonly mismatches: Mismatch[] = []
  readonly hyphenated: Hyphenated[] = []
  readonly #file: string
  #read = 0

  constructor(file: string) {
    this.#file = file
  }

  mapping(node: YamlMapping, { keys }: MappingType, path: string): void {
    for (const entry of node.entries) {
      if (this.#isFull()) return
      const place = this.#place(entry.key)
      const written = keyText(entry)
      if (written === undefined) {
        const found = describeNode(entry.key)
        this.mismatches.push({
          path: `a key of ${path || 'the file'}`,
          expected: 'a name',
          found,
          place,
          takenBy: NOBODY,
        })
        continue
      }
      const name = canonicalKey(written)
      const key = Object.hasOwn(keys, name) ? keys[name] : undefined
      if (key === undefined) {
        this.#unknown(written, keys, path, place)
        continue
      }
      const below = path === '' ? name : `${path}.${name}`
      if (key.deprecated !== undefined) {
        this.findings.push(
          CLOUD_CONFIG_RULES.found('cloud-config-deprecated', `${below} is deprecated: ${key.deprecated}`, { place }),
        )
        // What a service that is gone would be told is not worth a word.
        if (key.type.kind === 'mapping') continue
      }
      if (written.includes('-')) this.hyphenated.push({ path: below, name: written, place })
      this.#value(entry.value, key.type, below)
    }
  }

  #value(node: YamlNode, type: KeyType, path: string): void {
    const takenBy = { old: fits(node, type, 'old'), new: fits(node, type, 'new') }
    if (!takenBy.old || !takenBy.new) {
      this.mismatches.push({
        path,
        expected: EXPECTED[type.kind],
        found: describeNode(node),
        place: this.#place(node),
        takenBy,
      })
    }
    if (type.kind === 'mapping') {
      if (node.kind === 'mapping') this.mapping(node, type, path)
    } else if (type.kind === 'list') {
      if (node.kind !== 'list') return
      for (const [index, item] of node.items.entries()) {
        if (this.#isFull()) return
        this.#value(item, type.of, `${path}[${index}]`)
      }
    } else if (node.kind === 'scalar' && !isNull(node)) {
      this.#scalar(node, type, path)
    }
  }

  #scalar(node: YamlScalar, { kind, value }: Exclude<KeyType, { kind: 'list' | 'mapping' }>, path: string): void {
    const place = this.#place(node)
    const expected = value === undefined ? undefined : refusal(node.text, value)
    const meant = path.endsWith('.permissions') ? meantMode(node.text) : undefined
    if (expected !== undefined) {
      this.findings.push(
        CLOUD_CONFIG_RULES.found('cloud-config-value', `${path} is ${describeNode(node)}, expected ${expected}`, {
          place,
          // A URL is only looked at by the validator.
          severity: value?.kind === 'url' ? 'warning' : undefined,
          hint: meant === undefined ? nearestHint(node.text, value) : `for mode ${meant} write '${meant}', in quotes`,
        }),
      )
    } else if (meant !== undefined) {
      this.findings.push(
        CLOUD_CONFIG_RULES.found(
          'cloud-config-decimal-mode',
          `${path} is ${node.text}, which is taken as octal 0${node.text}; in decimal it would be ${meant}`,
          { place, hint: `for mode ${meant} write '${meant}', in quotes` },
        ),
      )
    }
    const isFine = expected === undefined && meant === undefined
    if (isFine && kind !== 'bool' && node.plain && node.tag === undefined) this.#readings(node, kind, path, place)
  }

  /** Bools are left out: their fields take the words of both versions. */
  #readings({ text }: YamlScalar, kind: 'string' | 'int' | 'float', path: string, place: Place): void {
    if (!MAY_DIFFER.test(text) || this.#read++ > MOST_READINGS) return
    const { yaml11, yaml12 } = plainScalarReadings(text)
    if (Object.is(yaml11, yaml12)) return
    const taken = kind === 'string' ? `the text ${JSON.stringify(text)}` : 'a number as Go writes it'
    this.findings.push(
      CLOUD_CONFIG_RULES.found(
        'cloud-config-yaml-version',
        `${path}: ${text} is ${describeValue(yaml11)} in YAML 1.1 and ${describeValue(yaml12)} in YAML 1.2; coreos-cloudinit takes ${taken}`,
        { place, hint: kind === 'string' ? `write '${text}', in quotes` : 'write it as a plain decimal number' },
      ),
    )
  }

  #isFull(): boolean {
    return this.findings.length + this.mismatches.length + this.hyphenated.length >= MOST_FINDINGS
  }

  #unknown(written: string, keys: MappingType['keys'], path: string, place: Place): void {
    const name = written.length > LONGEST_NAME ? `${written.slice(0, LONGEST_NAME - 1)}…` : written
    const below = path === '' ? name : `${path}.${name}`
    const canonical = canonicalKey(name)
    if (path === 'coreos' && canonical === 'write_files') {
      this.findings.push(
        CLOUD_CONFIG_RULES.found('cloud-config-nested-write-files', `${below} is skipped: it belongs to the top`, {
          place,
          hint: 'move write_files out of coreos, to the beginning of a line',
        }),
      )
      return
    }
    const foreign = path === '' ? CLOUD_INIT_ONLY : CLOUD_INIT_ONLY_BELOW[path.replace(/\[\d+\]$/, '')]
    if (foreign?.has(canonical) === true) {
      this.findings.push(
        CLOUD_CONFIG_RULES.found(
          'cloud-config-foreign-key',
          `${below} belongs to cloud-init; coreos-cloudinit skips it`,
          {
            place,
            hint: path === '' ? 'do that work in a unit below coreos.units' : `remove ${name}`,
          },
        ),
      )
      return
    }
    const nearest = nearestName(canonical, Object.keys(keys))
    // A key one step too high is the commonest of all mistakes of indentation.
    const inside = path === '' && Object.hasOwn(coreosKeys(), canonical) ? `coreos.${canonical}` : undefined
    this.findings.push(
      CLOUD_CONFIG_RULES.found('cloud-config-unknown-key', `coreos-cloudinit does not know ${below}, and skips it`, {
        place,
        hint:
          inside !== undefined
            ? `indent it below coreos: the key is ${inside}`
            : nearest !== undefined
              ? `did you mean ${nearest}?`
              : `known here: ${Object.keys(keys).sort().join(', ')}`,
      }),
    )
  }

  #place({ at }: YamlNode): Place {
    return { file: this.#file, line: at.line, column: at.column }
  }
}

const NOBODY = { old: false, new: false } as const

const EXPECTED: Readonly<Record<KeyType['kind'], string>> = {
  string: 'text',
  bool: 'true or false, not in quotes',
  int: 'a whole number, not in quotes',
  float: 'a number, not in quotes',
  list: 'a list',
  mapping: 'a mapping',
}

function coreosKeys(): MappingType['keys'] {
  const type = CLOUD_CONFIG.keys.coreos?.type
  return type?.kind === 'mapping' ? type.keys : {}
}

function nearestHint(text: string, rule: ValueRule | undefined): string | undefined {
  if (rule?.kind !== 'one-of') return undefined
  const nearest = nearestName(text, rule.values)
  return nearest === undefined ? undefined : `did you mean ${nearest}?`
}

function describeValue(value: unknown): string {
  if (value instanceof Date) return 'a date'
  return typeof value === 'string' ? 'text' : String(value)
}
