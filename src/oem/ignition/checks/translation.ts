/**
 * What stops Flatcar's Ignition 2.x, from branch 3185 on, from translating a config of spec 2.x to 3.1.0: the machine
 * would not boot. networkd units are translated, to files below /etc/systemd/network; units of one name are merged.
 *
 * Source: flatcar/scripts sys-apps/ignition/files/0002-config-add-ignition-translation.patch (Check2_4, FSGeneration). A
 * filesystem without mount is a nil pointer there.
 */
import type { Finding } from '../../finding.js'
import { field, stringField } from '../../mapping.js'
import { type Duplicate, findDuplicates } from './duplicates.js'
import { cleanPath } from './paths.js'
import { type Item, innerItem, itemsAt, itemsIn, type Subject, subjectOf } from './subject.js'

/** @param subject of spec 1 or 2.x */
export function checkTranslation(subject: Subject): readonly Finding[] {
  const stopped = (path: Item['path'], says: string, hint?: string) =>
    subject.found(
      'ignition-untranslatable',
      path,
      `Flatcar from branch 3185 on translates this config, and cannot: ${says}`,
      {
        ...(hint === undefined ? {} : { hint }),
      },
    )
  const nodes = ['files', 'directories', 'links'].flatMap((list) =>
    itemsAt(subject, ['storage', list]).map((item) => ({ ...item, list, at: placeOf(item) })),
  )
  const networkFiles = itemsAt(subject, ['networkd', 'units']).map((item) => ({
    ...item,
    list: 'networkd',
    at: `/etc/systemd/network/${stringField(item.value, 'name') ?? ''}`,
  }))
  const links = nodes.filter(({ list }) => list === 'links')
  const seen = new Set<string>()
  const findings: Finding[] = []
  for (const { at, path } of [...nodes, ...networkFiles]) {
    if (seen.has(at)) findings.push(stopped(path, `${at} is there twice`, 'make one entry of the two'))
    seen.add(at)
    const link = links.find((other) => at.startsWith(`${other.at}/`))
    if (link !== undefined) findings.push(stopped(path, `${at} lies below the link ${link.at}`))
  }
  for (const unit of itemsAt(subject, ['systemd', 'units'])) {
    const names = new Set<string | undefined>()
    for (const { path, value } of itemsIn(unit, ['dropins'])) {
      const name = stringField(value, 'name')
      if (names.has(name)) findings.push(stopped(path, `drop-in ${name} is there twice`))
      names.add(name)
    }
  }
  return [
    ...findings,
    ...itemsAt(subject, ['storage', 'filesystems']).flatMap((filesystem) => checkMount(subject, filesystem, stopped)),
    ...itemsAt(subject, ['storage', 'disks']).flatMap((disk) =>
      itemsIn(disk, ['partitions'])
        .filter(({ value }) => field(value, 'start') !== undefined || field(value, 'size') !== undefined)
        .map(({ path }) =>
          stopped(path, 'start and size are in sectors', 'write startMiB and sizeMiB, with version 2.3.0'),
        ),
    ),
    ...restOf(subject).map(({ path, says }) => stopped(path, says, 'make one entry of the two')),
  ]
}

/** Where the translated node will be: filesystems other than root get a folder of their own. */
function placeOf({ value }: Item): string {
  const filesystem = stringField(value, 'filesystem') ?? ''
  const path = cleanPath(`/${stringField(value, 'path') ?? ''}`)
  if (filesystem === 'oem') return `/usr/share/oem${path}`
  return filesystem === 'root' || filesystem === '' ? path : `/${filesystem}:${path}`
}

function checkMount(
  subject: Subject,
  filesystem: Item,
  stopped: (path: Item['path'], says: string, hint?: string) => Finding,
): readonly Finding[] {
  if (subject.spec === '1') return []
  const mount = innerItem(filesystem, 'mount')
  if (mount === undefined) return [stopped(filesystem.path, 'the filesystem has no mount section')]
  const create = innerItem(mount, 'create')
  if (create === undefined || field(create.value, 'force') === true) return []
  return [stopped(create.path, 'create does not force', 'write "force": true, or wipeFilesystem in place of create')]
}

/** What looks the same in both majors and may not be there twice in 3.x. */
function restOf(subject: Subject): readonly Duplicate[] {
  const { document } = subject
  const storage = field(document.value, 'storage')
  const same = {
    passwd: field(document.value, 'passwd'),
    storage: { disks: field(storage, 'disks'), raid: field(storage, 'raid') },
  }
  return findDuplicates(subjectOf({ ...document, value: same }, '3.1.0'))
}
