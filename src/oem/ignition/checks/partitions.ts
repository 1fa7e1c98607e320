/**
 * Partitions of one disk: names, GUIDs, numbers, and places that overlap.
 *
 * Sources: coreos/ignition config/v3_*_/types/disk.go and partition.go; config/v2_4/types/partition.go, disk.go. Sectors
 * of 2.x are counted as 512 bytes there, aligned to 2048 of them.
 */
import type { Finding } from '../../finding.js'
import { field, stringField } from '../../mapping.js'
import { type Item, itemsIn, type Subject } from './subject.js'

const GUID = /^(?:|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$/
/** A GPT entry's name is 72 bytes of UTF-16. Ignition counts bytes of UTF-8. */
const LABEL_BYTES = 72 / 2
const SECTORS_PER_MIB = 2048

export function checkPartitions(subject: Subject, disk: Item): readonly Finding[] {
  const partitions = itemsIn(disk, ['partitions'])
  return [
    ...partitions.flatMap((partition) => checkPartition(subject, partition)),
    ...checkNames(subject, partitions),
    ...checkPlaces(subject, partitions),
    ...checkZeroes(subject, disk, partitions),
  ]
}

function checkPartition(subject: Subject, { path, value }: Item): readonly Finding[] {
  const findings: Finding[] = []
  const label = stringField(value, 'label')
  if (Buffer.byteLength(label ?? '') > LABEL_BYTES) {
    findings.push(
      subject.found(
        'ignition-label',
        [...path, 'label'],
        `a partition's label has at most ${LABEL_BYTES} characters, this one ${Buffer.byteLength(label ?? '')}`,
      ),
    )
  }
  if (label?.includes(':') === true) {
    findings.push(subject.found('ignition-label', [...path, 'label'], "a partition's label has no colon"))
  }
  for (const key of ['guid', 'typeGuid']) {
    if (!GUID.test(stringField(value, key) ?? '')) {
      findings.push(
        subject.found('ignition-partition', [...path, key], `${key} ${JSON.stringify(field(value, key))} is no GUID`, {
          hint: 'write it as 01234567-89AB-CDEF-EDCB-A98765432101',
        }),
      )
    }
  }
  const numberless = (field(value, 'number') ?? 0) === 0
  if (subject.isSpec3 && numberless && label === undefined) {
    findings.push(subject.found('ignition-partition', path, 'the partition has neither number nor label'))
  }
  const rest = ['label', 'typeGuid', 'guid', 'startMiB', 'sizeMiB', 'start', 'size'].filter(
    (key) => (field(value, key) ?? '') !== '' || (key === 'label' && label !== undefined),
  )
  if (field(value, 'shouldExist') === false && rest.length > 0) {
    findings.push(
      subject.found('ignition-partition', path, `shouldExist is false, but there is ${rest.join(', ')}`, {
        hint: 'leave all but number out',
      }),
    )
  }
  return [...findings, ...checkSectors(subject, { path, value })]
}

/** The forms of 2.x. */
function checkSectors(subject: Subject, { path, value }: Item): readonly Finding[] {
  if (subject.isSpec3) return []
  const start = field(value, 'start')
  const sectors = ['start', 'size'].filter((key) => field(value, key) !== undefined)
  const mebibytes = ['startMiB', 'sizeMiB'].filter((key) => field(value, key) !== undefined)
  const findings: Finding[] = []
  if (sectors.length > 0 && mebibytes.length > 0) {
    findings.push(
      subject.found(
        'ignition-partition',
        path,
        `${sectors.join(', ')} in sectors stands beside ${mebibytes.join(', ')}`,
        { hint: 'write startMiB and sizeMiB' },
      ),
    )
  } else if (sectors.length > 0 && subject.atLeast('2.3.0')) {
    findings.push(
      subject.found(
        'ignition-deprecated',
        path,
        `${sectors.join(' and ')} in sectors: deprecated since version 2.3.0`,
        { hint: 'write startMiB and sizeMiB' },
      ),
    )
  }
  if (typeof start === 'number' && start % SECTORS_PER_MIB !== 0) {
    findings.push(
      subject.found(
        'ignition-partition',
        [...path, 'start'],
        `start ${start} is no multiple of ${SECTORS_PER_MIB} sectors`,
      ),
    )
  }
  return findings
}

function checkNames(subject: Subject, partitions: readonly Item[]): readonly Finding[] {
  const numbers = new Set<unknown>()
  const labels = new Set<unknown>()
  return partitions.flatMap(({ path, value }) => {
    const number = field(value, 'number') ?? 0
    const label = stringField(value, 'label')
    const twice = [
      ...(number !== 0 && numbers.has(number) ? [`number ${number}`] : []),
      ...(label !== undefined && labels.has(label) && subject.isSpec3 ? [`label ${JSON.stringify(label)}`] : []),
    ]
    numbers.add(number)
    if (label !== undefined) labels.add(label)
    return twice.map((what) => subject.found('ignition-partition', path, `two partitions have ${what}`))
  })
}

interface Extent {
  readonly item: Item
  readonly start: number
  /** Inclusive, as Ignition counts; the start when the size is 0, which means all that is free. */
  readonly end: number
}

function checkPlaces(subject: Subject, partitions: readonly Item[]): readonly Finding[] {
  const extents = partitions.flatMap((item): readonly Extent[] => {
    const start = mebibytesOf(item, 'start')
    const size = mebibytesOf(item, 'size')
    if (start === undefined || size === undefined || start === 0) return []
    return [{ item, start, end: size === 0 ? start : start + size - 1 }]
  })
  return extents.flatMap((extent, index) => {
    const other = extents.slice(0, index).find((before) => overlap(extent, before) || overlap(before, extent))
    return other === undefined
      ? []
      : [
          subject.found(
            'ignition-partition',
            extent.item.path,
            `the partition overlaps another, from ${extent.start} to ${extent.end} against ${other.start} to ${other.end}`,
          ),
        ]
  })
}

/** As Ignition asks, so that a size below zero comes out as there. */
function overlap({ start, end }: Extent, other: Extent): boolean {
  const isWithin = (place: number) => place >= other.start && place <= other.end
  return isWithin(start) || isWithin(end) || (start < other.start && end > other.end)
}

/** Or sectors, where those are given: one disk's partitions are compared in one unit only. */
function mebibytesOf({ value }: Item, key: 'start' | 'size'): number | undefined {
  const found = field(value, `${key}MiB`) ?? field(value, key)
  return typeof found === 'number' && Number.isInteger(found) ? found : undefined
}

function checkZeroes(subject: Subject, disk: Item, partitions: readonly Item[]): readonly Finding[] {
  if (!subject.isSpec3) return []
  const absent = partitions.some(({ value }) => field(value, 'shouldExist') === false)
  const numberless = partitions.some(({ value }) => (field(value, 'number') ?? 0) === 0)
  if (!absent || !numberless) return []
  return [
    subject.found(
      'ignition-partition',
      [...disk.path, 'partitions'],
      'a partition with shouldExist false stands beside one without a number',
      {
        hint: 'give every partition a number',
      },
    ),
  ]
}
