/**
 * The OEM cloud-config, as coreos-cloudinit reads it on every boot: recognise it, and say what would not work.
 *
 * Here is what needs no image; what depends on the release is in `release-checks.ts`. Sources: coreos/coreos-cloudinit
 * config/, config/validate/, initialize/; flatcar/coreos-cloudinit.
 */
import { type Finding, formatPlace } from '../finding.js'
import { isMapping } from '../mapping.js'
import { formatYaml, parseYamlTrees } from '../yaml.js'
import { describeNode, isNull, type YamlDocument, type YamlMapping } from '../yaml-tree.js'
import { CLOUD_CONFIG_HEADER, decodeText, invalid, recognise } from './header.js'
import { CLOUD_CONFIG_RULES } from './rules.js'
import { checkStructure, type Hyphenated, type Mismatch } from './structure.js'
import { checkSubstitutions } from './substitutions.js'
import { checkUnits } from './units.js'
import { checkUsers } from './users.js'
import { checkWriteFiles } from './write-files.js'

export { CLOUD_CONFIG_HEADER } from './header.js'

export type CloudConfig =
  | {
      readonly kind: 'cloud-config'
      /** Undefined when there is nothing below the header. */
      readonly root: YamlMapping | undefined
      /** What hurts or not depends on the release. */
      readonly mismatches: readonly Mismatch[]
      readonly hyphenated: readonly Hyphenated[]
      readonly findings: readonly Finding[]
    }
  /** Run at every boot through a transient unit; or MIME parts, which are applied one by one. */
  | { readonly kind: 'script' | 'multipart'; readonly findings: readonly Finding[] }

/**
 * Parses and checks a cloud-config (or script) for the OEM partition.
 *
 * @throws ERR_CLOUD_CONFIG_INVALID | ERR_YAML_SYNTAX when nothing of it would be applied
 */
export function parseCloudConfig(bytes: Uint8Array, file: string): CloudConfig {
  const { packed, text } = decodeText(bytes, file)
  const kind = recognise(text, file)
  const findings = [...(packed ? [packedNote(file)] : []), ...checkSubstitutions(text, file)]
  if (kind === 'script') {
    const place = { file, line: 1, column: 1 }
    const says = 'this is a script: coreos-cloudinit runs it at every boot'
    return { kind, findings: [CLOUD_CONFIG_RULES.found('cloud-config-script', says, { place }), ...findings] }
  }
  if (kind === 'multipart') return { kind, findings }
  const documents = parseYamlTrees(text, file)
  const root = rootOf(documents, file)
  const structure = root === undefined ? undefined : checkStructure(root, file)
  return {
    kind,
    root,
    mismatches: structure?.mismatches ?? [],
    hyphenated: structure?.hyphenated ?? [],
    findings: inOrder([
      ...checkDocuments(documents, file),
      ...(root === undefined || structure === undefined
        ? []
        : [
            ...structure.findings,
            ...checkUsers(root, file),
            ...checkWriteFiles(root, file),
            ...checkUnits(root, file),
          ]),
      ...findings,
    ]),
  }
}

/** Header and YAML that readers of both YAML versions understand alike. */
export function formatCloudConfig(value: unknown): string {
  const empty = value === null || value === undefined || (isMapping(value) && Object.keys(value).length === 0)
  return `${CLOUD_CONFIG_HEADER}\n${empty ? '' : formatYaml(value)}`
}

function rootOf([document]: readonly YamlDocument[], file: string): YamlMapping | undefined {
  if (document === undefined || isNull(document.root)) return undefined
  const { root } = document
  if (root.kind === 'mapping') return root
  throw invalid(
    `${formatPlace({ file, ...root.at })}: ${describeNode(root)} stands below the header, expected a mapping`,
    'start with keys such as coreos:',
  )
}

/** Nobody reads more of one file. */
const MOST_FINDINGS = 200
const GRAVITY: Readonly<Record<Finding['severity'], number>> = { error: 0, warning: 1, note: 2 }

/** As they stand in the file, what is about the whole of it first; of too many the gravest. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings
    .toSorted((left, right) => GRAVITY[left.severity] - GRAVITY[right.severity])
    .slice(0, MOST_FINDINGS)
    .toSorted(
      ({ place: left }, { place: right }) =>
        (left?.line ?? 0) - (right?.line ?? 0) || (left?.column ?? 0) - (right?.column ?? 0),
    )
}

/** Only the first document is read; doubled keys are taken by some readers, refused by others. */
function checkDocuments([first, second]: readonly YamlDocument[], file: string): readonly Finding[] {
  const findings = (first?.doubled ?? []).map(({ at, firstAt, name }) =>
    CLOUD_CONFIG_RULES.found(
      'cloud-config-doubled-key',
      `the key ${name.slice(0, 80)} is there already, on line ${firstAt.line}`,
      { place: { file, ...at }, hint: 'put what both hold below one of them' },
    ),
  )
  if (second === undefined) return findings
  return [
    ...findings,
    CLOUD_CONFIG_RULES.found('cloud-config-documents', 'a second YAML document begins here, which nobody reads', {
      place: { file, ...second.at },
      hint: 'remove the line --- above it, and put everything into one document',
    }),
  ]
}

function packedNote(file: string): Finding {
  return CLOUD_CONFIG_RULES.found(
    'cloud-config-gzip',
    'it is packed with gzip; lines and columns are those of the text',
    {
      place: { file },
    },
  )
}
