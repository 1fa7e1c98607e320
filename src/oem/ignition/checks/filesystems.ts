/**
 * Filesystems: formats, labels, and what excludes each other.
 *
 * Sources: coreos/ignition config/v3_*_/types/filesystem.go; config/types/filesystem.go and config/validate/rules.go for
 * 2.x. Lengths of labels: man mkfs.ext4, mkfs.btrfs, mkfs.xfs, mkfs.fat; mkswap cuts at 15.
 */
import type { Finding } from '../../finding.js'
import { arrayField, field, stringField } from '../../mapping.js'
import { pathFault } from './paths.js'
import { type Item, innerItem, itemsAt, type Subject } from './subject.js'

const LABEL_BYTES: Readonly<Record<string, number>> = { ext4: 16, btrfs: 256, xfs: 12, swap: 15, vfat: 11 }

function formatsOf(subject: Subject): readonly string[] {
  const formats = ['ext4', 'btrfs', 'xfs']
  if (subject.atLeast('2.1.0')) formats.push('swap', 'vfat')
  if (subject.atLeast('3.3.0')) formats.push('none')
  return formats
}

export function checkFilesystems(subject: Subject): readonly Finding[] {
  const filesystems = itemsAt(subject, ['storage', 'filesystems'])
  return [
    ...filesystems.flatMap((filesystem) =>
      subject.isSpec3 ? checkMaking(subject, filesystem) : checkFilesystem2(subject, filesystem),
    ),
    ...(subject.isSpec3
      ? filesystems.flatMap((filesystem) => checkLoose(subject, filesystem))
      : checkShadows(subject, filesystems)),
  ]
}

/** Device, format and label: of a filesystem in 3.x, of its mount section in 2.x. */
function checkMaking(subject: Subject, { path, value }: Item): readonly Finding[] {
  const findings: Finding[] = []
  for (const key of ['device', ...(subject.isSpec3 ? ['path'] : [])]) {
    const given = stringField(value, key)
    const fault =
      given === undefined || (key === 'path' && given === '') ? undefined : pathFault(given, subject.isSpec3)
    if (fault !== undefined)
      findings.push(subject.found('ignition-path', [...path, key], `${key} ${fault.says}`, { hint: fault.hint }))
  }
  const format = stringField(value, 'format')
  const formats = formatsOf(subject)
  const isGiven = format !== undefined && (format !== '' || !subject.isSpec3)
  if (isGiven && !formats.includes(format)) {
    findings.push(
      subject.found(
        'ignition-filesystem',
        [...path, 'format'],
        `format ${JSON.stringify(format)} is none of version ${subject.spec}`,
        {
          hint: `formats: ${formats.join(', ')}`,
        },
      ),
    )
  }
  const label = Buffer.byteLength(stringField(value, 'label') ?? '')
  const limit = LABEL_BYTES[format ?? '']
  if (limit !== undefined && label > limit) {
    findings.push(
      subject.found(
        'ignition-label',
        [...path, 'label'],
        `a label of ${format} has at most ${limit} bytes, this one ${label}`,
      ),
    )
  }
  return findings
}

/** 3.x: a filesystem without format is only named, so it can have nothing else. */
function checkLoose(subject: Subject, { path, value }: Item): readonly Finding[] {
  if ((stringField(value, 'format') ?? '') !== '') return []
  const others = [
    ...['path', 'label', 'uuid'].filter((key) => (stringField(value, key) ?? '') !== ''),
    ...['mountOptions', 'options'].filter((key) => arrayField(value, key).length > 0),
    ...(field(value, 'wipeFilesystem') === true ? ['wipeFilesystem'] : []),
  ]
  if (others.length === 0) return []
  return [
    subject.found('ignition-filesystem', path, `the filesystem has ${others.join(', ')}, but no format`, {
      hint: `formats: ${formatsOf(subject).join(', ')}`,
    }),
  ]
}

function checkFilesystem2(subject: Subject, filesystem: Item): readonly Finding[] {
  const { path, value } = filesystem
  const mount = innerItem(filesystem, 'mount')
  const mountPath = stringField(value, 'path')
  const findings: Finding[] = []
  if (subject.spec === '1') return checkMaking(subject, filesystem)
  if (mount === undefined && mountPath === undefined) {
    findings.push(subject.found('ignition-filesystem', path, 'the filesystem has neither mount nor path'))
  }
  if (mount !== undefined && mountPath !== undefined) {
    findings.push(
      subject.found('ignition-filesystem', path, 'the filesystem has both mount and path', {
        hint: 'leave one of the two out',
      }),
    )
  }
  const fault = mountPath === undefined ? undefined : pathFault(mountPath, false)
  if (fault !== undefined)
    findings.push(subject.found('ignition-path', [...path, 'path'], `filesystem ${fault.says}`, { hint: fault.hint }))
  if (mount === undefined) return findings
  return [...findings, ...checkMaking(subject, mount), ...checkCreate(subject, mount)]
}

function checkCreate(subject: Subject, mount: Item): readonly Finding[] {
  const create = innerItem(mount, 'create')
  if (create === undefined || !subject.atLeast('2.1.0')) return []
  const mixed = [
    ...(arrayField(mount.value, 'options').length > 0 ? ['options'] : []),
    ...(field(mount.value, 'wipeFilesystem') === true ? ['wipeFilesystem'] : []),
  ]
  if (mixed.length > 0) {
    return [
      subject.found('ignition-filesystem', create.path, `create stands beside ${mixed.join(', ')}`, {
        hint: 'leave create out; options and wipeFilesystem took its place',
      }),
    ]
  }
  return [
    subject.found('ignition-deprecated', create.path, '"create" is deprecated since version 2.1.0', {
      hint: 'write "wipeFilesystem" and "options"',
    }),
  ]
}

function checkShadows(subject: Subject, filesystems: readonly Item[]): readonly Finding[] {
  const seen = new Set<string>()
  return filesystems.flatMap(({ path, value }) => {
    const name = stringField(value, 'name')
    if (name === undefined || name === '') return []
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    return [
      subject.found(
        'ignition-filesystem-shadowed',
        [...path, 'name'],
        `filesystem ${JSON.stringify(name)} is defined before; this one counts`,
      ),
    ]
  })
}
