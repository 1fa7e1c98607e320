/**
 * Files, directories and links: paths, modes, owners, and nodes that stand in each other's way.
 *
 * Sources: coreos/ignition config/v3_*_/types/node.go, file.go, mode.go, path.go, storage.go, config.go (validateParents);
 * config/types/file.go and config/validate/rules.go for 2.x. Special mode bits: coreos/ignition pull request 1325.
 */
import { posix } from 'node:path'
import type { Finding } from '../../finding.js'
import { field, stringField } from '../../mapping.js'
import { isUnset, pathFault } from './paths.js'
import { type Item, innerItem, itemsAt, type Subject } from './subject.js'

type NodeKind = 'file' | 'directory' | 'link'

interface NodeItem extends Item {
  readonly kind: NodeKind
  readonly nodePath: string
}

const LISTS = { files: 'file', directories: 'directory', links: 'link' } as const

export function checkNodes(subject: Subject): readonly Finding[] {
  const nodes = (['files', 'directories', 'links'] as const).flatMap((key) =>
    itemsAt(subject, ['storage', key]).map(
      (item): NodeItem => ({
        ...item,
        kind: LISTS[key],
        nodePath: stringField(item.value, 'path') ?? '',
      }),
    ),
  )
  const filesystems = new Set([
    'root',
    ...itemsAt(subject, ['storage', 'filesystems']).flatMap(({ value }) => stringField(value, 'name') ?? []),
  ])
  return [
    ...nodes.flatMap((node) => [
      ...checkPath(subject, node),
      ...checkFilesystem(subject, node, filesystems),
      ...checkMode(subject, node),
      ...checkOwners(subject, node),
      ...checkOverwrite(subject, node),
    ]),
    ...(subject.isSpec3 ? checkWays(subject, nodes) : []),
    ...nodes.flatMap((node) => checkLink(subject, node, nodes)),
  ]
}

function checkPath(subject: Subject, { kind, nodePath, path, value }: NodeItem): readonly Finding[] {
  if (isUnset(value, 'path') && nodePath !== '') return []
  if (field(value, 'path') === undefined) return []
  const fault = pathFault(nodePath, subject.isSpec3)
  return fault === undefined
    ? []
    : [subject.found('ignition-path', [...path, 'path'], `${kind} ${fault.says}`, { hint: fault.hint })]
}

function checkFilesystem(subject: Subject, { path, value }: NodeItem, known: ReadonlySet<string>): readonly Finding[] {
  if (subject.isSpec3) return []
  const name = stringField(value, 'filesystem')
  if (name === '')
    return [
      subject.found('ignition-missing', [...path, 'filesystem'], 'the filesystem has no name', {
        hint: 'write "root"',
      }),
    ]
  if (name === undefined || known.has(name)) return []
  return [
    subject.found(
      'ignition-filesystem-unknown',
      [...path, 'filesystem'],
      `no filesystem of this config is named ${JSON.stringify(name)}`,
      {
        hint: `named here: ${[...known].join(', ')}`,
      },
    ),
  ]
}

function checkMode(subject: Subject, { kind, path, value }: NodeItem): readonly Finding[] {
  const mode = field(value, 'mode')
  const at = [...path, 'mode']
  if (mode === undefined) {
    if (kind !== 'file' || subject.isSpec3) return []
    // Until 2.2.0 a mode was due, and Ignition of that time gave files without one mode 0000.
    return [
      subject.found(
        'ignition-mode-unset',
        path,
        `the file has no mode, ${subject.atLeast('2.2.0') ? 'so it gets 0644' : 'so Ignition of that time gives it 0000'}`,
        {
          hint: 'add "mode": 420 for 0644',
          ...(subject.atLeast('2.2.0') ? { severity: 'note' as const } : {}),
        },
      ),
    ]
  }
  if (typeof mode !== 'number' || !Number.isInteger(mode)) return []
  const decimal = `modes are decimal numbers: 420 for 0644, 493 for 0755`
  if (mode < 0 || mode > 0o7777) {
    return [
      subject.found(
        'ignition-mode',
        at,
        `mode ${mode} is ${mode < 0 ? 'negative' : 'over 4095, which is 7777 in octal'}`,
        { hint: decimal },
      ),
    ]
  }
  const meant = /^[0-7]{3,4}$/.test(String(mode)) ? Number.parseInt(String(mode), 8) : undefined
  if (meant !== undefined && USUAL_MODES.has(meant) && !USUAL_MODES.has(mode)) {
    return [
      subject.found(
        'ignition-mode-octal',
        at,
        `mode ${mode} is ${mode.toString(8)} in octal; ${mode} as an octal number would be ${meant}`,
        {
          hint: `write ${meant} for 0${mode}`,
        },
      ),
    ]
  }
  if (mode <= 0o777 || !subject.isSpec3 || subject.atLeast('3.4.0')) return []
  return [
    subject.found(
      'ignition-mode-special',
      at,
      `mode ${mode.toString(8)} sets setuid, setgid or sticky, which version ${subject.spec} skips`,
      {
        hint: 'write version 3.4.0, or set it in a unit',
      },
    ),
  ]
}

/** What people mean when they write 644 or 0755. */
const USUAL_MODES: ReadonlySet<number> = new Set(
  [
    '400',
    '440',
    '444',
    '500',
    '550',
    '555',
    '600',
    '640',
    '644',
    '660',
    '664',
    '666',
    '700',
    '711',
    '750',
    '755',
    '770',
    '775',
    '777',
    '1777',
    '4755',
    '2755',
  ].map((octal) => Number.parseInt(octal, 8)),
)

function checkOwners(subject: Subject, node: NodeItem): readonly Finding[] {
  return (['user', 'group'] as const).flatMap((key) => {
    const owner = innerItem(node, key)
    if (
      owner === undefined ||
      field(owner.value, 'id') === undefined ||
      (stringField(owner.value, 'name') ?? '') === ''
    )
      return []
    return [
      subject.found('ignition-owner', owner.path, `${key} has both id and name`, { hint: 'leave one of the two out' }),
    ]
  })
}

function checkOverwrite(subject: Subject, { kind, path, value }: NodeItem): readonly Finding[] {
  if (kind !== 'file' || field(value, 'overwrite') !== true) return []
  const at = [...path, 'overwrite']
  if (subject.isSpec3) {
    if (field(field(value, 'contents'), 'source') !== undefined) return []
    return [
      subject.found('ignition-overwrite', at, 'overwrite is true, but there is no contents.source', {
        hint: 'add contents.source; "" makes an empty file',
      }),
    ]
  }
  if (field(value, 'append') !== true) return []
  return [
    subject.found('ignition-overwrite', at, 'both append and overwrite are true', { hint: 'leave one of the two out' }),
  ]
}

/** No node may lie below a link or a file of the same config. */
function checkWays(subject: Subject, nodes: readonly NodeItem[]): readonly Finding[] {
  const ways = new Map(
    nodes.filter(({ kind }) => kind !== 'directory').map(({ kind, nodePath }) => [nodePath, kind] as const),
  )
  return nodes.flatMap(({ nodePath, path }) => {
    const way = parentsOf(nodePath).find((parent) => ways.has(parent))
    if (way === undefined) return []
    return [
      subject.found(
        'ignition-path-conflict',
        [...path, 'path'],
        `${nodePath} lies below ${way}, which this config makes a ${ways.get(way)}`,
      ),
    ]
  })
}

/** `/a/b/c` lies below `/a` and `/a/b`. */
function parentsOf(path: string): readonly string[] {
  const parents: string[] = []
  for (let slash = path.indexOf('/', 1); slash >= 0; slash = path.indexOf('/', slash + 1))
    parents.push(path.slice(0, slash))
  return parents
}

function checkLink(
  subject: Subject,
  { kind, nodePath, path, value }: NodeItem,
  nodes: readonly NodeItem[],
): readonly Finding[] {
  if (kind !== 'link') return []
  const target = stringField(value, 'target')
  if (target === '') return [subject.found('ignition-missing', [...path, 'target'], 'the link has no target')]
  if (target === undefined || field(value, 'hard') !== true) return []
  const aim = posix.isAbsolute(target) ? posix.normalize(target) : posix.join(nodePath, target)
  if (!nodes.some((node) => node.kind === 'directory' && node.nodePath === aim)) return []
  return [
    subject.found('ignition-path-conflict', path, `hard link ${nodePath} leads to ${aim}, which is a directory`, {
      hint: 'leave out "hard"',
    }),
  ]
}
