/**
 * The files that a cloud-config writes: where they go, whether their content decodes.
 *
 * A file that can't be written stops the rest of the cloud-config, its units too; content that does not decode stops all of
 * it. Sources: coreos-cloudinit config/validate/rules.go, config/decode.go, system/file.go, initialize/config.go.
 */
import type { Finding, Place } from '../finding.js'
import { isNull, type YamlNode } from '../yaml-tree.js'
import { decodeContent } from './encodings.js'
import { entryOf, itemsOf, nodeAt, scalarOf, textOf } from './fields.js'
import { CLOUD_CONFIG_RULES } from './rules.js'
import { ENCODINGS } from './values.js'

const { found } = CLOUD_CONFIG_RULES

/** Files that other keys write, after those of write_files. */
const WRITTEN_BY_KEYS: readonly { readonly path: string; readonly keys: readonly string[] }[] = [
  { path: '/etc/oem-release', keys: ['coreos', 'oem'] },
  { path: '/etc/coreos/update.conf', keys: ['coreos', 'update'] },
  { path: '/etc/hosts', keys: ['manage_etc_hosts'] },
  { path: '/run/flannel/options.env', keys: ['coreos', 'flannel'] },
]

export function checkWriteFiles(root: YamlNode, file: string): readonly Finding[] {
  const at = (node: YamlNode): Place => ({ file, line: node.at.line, column: node.at.column })
  const findings: Finding[] = []
  const seen = new Map<string, YamlNode>()
  for (const entry of itemsOf(root, 'write_files')) {
    if (entry.kind !== 'mapping') continue
    findings.push(...checkEncoding(entry, at))
    const path = scalarOf(entry, 'path')
    if (path === undefined) {
      findings.push(
        found('cloud-config-path', 'a file without a path stops the rest of the cloud-config', {
          place: at(entry),
          hint: 'give it a path such as /etc/motd',
        }),
      )
      continue
    }
    findings.push(...checkPath(path.text, at(path)))
    const normal = normalPath(path.text)
    const before = seen.get(normal)
    const writer = WRITTEN_BY_KEYS.find((row) => row.path === normal && nodeAt(root, ...row.keys) !== undefined)
    if (before !== undefined) {
      findings.push(
        found(
          'cloud-config-path-twice',
          `${normal} is written twice, first on line ${before.at.line}: the last one stays`,
          {
            place: at(path),
            hint: 'leave one of them out',
          },
        ),
      )
    } else if (writer !== undefined) {
      findings.push(
        found('cloud-config-path-twice', `${normal} is written once more afterwards, by ${writer.keys.join('.')}`, {
          place: at(path),
          hint: 'leave one of the two out',
        }),
      )
    }
    seen.set(normal, path)
  }
  return findings
}

function checkEncoding(entry: YamlNode, at: (node: YamlNode) => Place): readonly Finding[] {
  const encoding = textOf(entry, 'encoding')
  const content = entryOf(entry, 'content')
  // An encoding that there is not is told as a value that is not allowed.
  if (encoding === undefined || !ENCODINGS.some((known) => known === encoding)) return []
  const value = content?.value
  if (value !== undefined && value.kind !== 'scalar') return []
  const text = value === undefined || isNull(value) ? '' : value.text
  // The tag makes YAML itself decode it; then the bytes have the encoding. Bytes of text are those of UTF-8.
  const bytes = value?.tag === '!!binary' ? Buffer.from(text, 'base64') : Buffer.from(text)
  const decoded = decodeContent(bytes, encoding)
  if (decoded.kind === 'decoded') return []
  const place = at(content?.key ?? entry)
  if (decoded.kind === 'too-big') {
    const size = `${decoded.limitBytes >> 20} MiB`
    return [
      found('cloud-config-encoding', `the content unpacks to more than ${size}; what it holds was not looked into`, {
        place,
        severity: 'warning',
        hint: 'put big files onto the OEM partition with --file',
      }),
    ]
  }
  return [
    found(
      'cloud-config-encoding',
      `the content ${decoded.why}; with encoding ${encoding} nothing of the file is applied`,
      {
        place,
        hint: hintFor(encoding),
      },
    ),
  ]
}

function hintFor(encoding: string): string {
  if (encoding === 'gz' || encoding === 'gzip') {
    return 'packed bytes are no text: write them as base64 with encoding gz+b64, as gzip -c FILE | base64 -w0 makes it'
  }
  return encoding.startsWith('gz') ? 'make it with gzip -c FILE | base64 -w0' : 'make it with base64 -w0 FILE'
}

function checkPath(path: string, place: Place): readonly Finding[] {
  const normal = normalPath(path)
  if (normal === '/usr' || normal.startsWith('/usr/')) {
    const onOem = normal.startsWith('/usr/share/oem/')
    return [
      onOem
        ? found('cloud-config-read-only', `${normal} is on the OEM partition; coreos-cloudinit -validate refuses it`, {
            place,
            severity: 'warning',
            hint: `put it there now: --file SRC:${normal.slice('/usr/share/oem'.length)}`,
          })
        : found(
            'cloud-config-read-only',
            `${normal} can't be written: /usr is read-only, and the rest is not applied`,
            {
              place,
              hint: 'write below /etc or /opt, or add the file to the OEM partition with --file',
            },
          ),
    ]
  }
  if (normal === '/') {
    return [
      found('cloud-config-path', `${path} is no file; the rest of the cloud-config is not applied`, {
        place,
        hint: 'give it a path such as /etc/motd',
      }),
    ]
  }
  if (normal === path) return []
  return [
    found('cloud-config-path', `${JSON.stringify(path)} becomes ${normal}`, {
      place,
      severity: 'warning',
      hint: `write ${normal}`,
    }),
  ]
}

/** As Go's path.Join makes it, from the root. */
function normalPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
