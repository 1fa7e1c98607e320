/**
 * Disks, partitions, RAID arrays, encrypted devices and filesystems: what Ignition refuses before it touches a disk.
 *
 * Sources: coreos/ignition config/v3_*_/types/disk.go, partition.go, raid.go, luks.go, clevis.go, tang.go, filesystem.go;
 * config/types/filesystem.go, partition.go for 2.x.
 */
import type { Finding } from '../../finding.js'
import { arrayField, field, stringField } from '../../mapping.js'
import { isHttp } from '../url.js'
import { checkFilesystems } from './filesystems.js'
import { checkPartitions } from './partitions.js'
import { pathFault } from './paths.js'
import { type Item, innerItem, itemsAt, itemsIn, type Subject } from './subject.js'

export function checkStorage(subject: Subject): readonly Finding[] {
  return [
    ...itemsAt(subject, ['storage', 'disks']).flatMap((disk) => [
      ...checkDevice(subject, disk),
      ...checkPartitions(subject, disk),
    ]),
    ...itemsAt(subject, ['storage', 'raid']).flatMap((raid) => checkRaid(subject, raid)),
    ...itemsAt(subject, ['storage', 'luks']).flatMap((luks) => checkLuks(subject, luks)),
    ...checkFilesystems(subject),
  ]
}

function checkDevice(subject: Subject, { path, value }: Item): readonly Finding[] {
  const device = stringField(value, 'device')
  const fault = device === undefined ? undefined : pathFault(device, subject.isSpec3)
  return fault === undefined
    ? []
    : [subject.found('ignition-path', [...path, 'device'], `device ${fault.says}`, { hint: fault.hint })]
}

const LEVELS_WITHOUT_SPARES = ['linear', 'raid0', '0', 'stripe']
const LEVELS_WITH_SPARES = ['raid1', '1', 'mirror', 'raid4', '4', 'raid5', '5', 'raid6', '6', 'raid10', '10']

function checkRaid(subject: Subject, { path, value }: Item): readonly Finding[] {
  const level = stringField(value, 'level')
  const spares = field(value, 'spares')
  const findings: Finding[] = []
  if (level !== undefined && ![...LEVELS_WITHOUT_SPARES, ...LEVELS_WITH_SPARES].includes(level)) {
    findings.push(
      subject.found('ignition-raid', [...path, 'level'], `there is no RAID level ${JSON.stringify(level)}`, {
        hint: 'levels: linear, raid0, raid1, raid4, raid5, raid6, raid10',
      }),
    )
  }
  if (LEVELS_WITHOUT_SPARES.includes(level ?? '') && typeof spares === 'number' && spares !== 0) {
    findings.push(subject.found('ignition-raid', [...path, 'spares'], `an array of level ${level} has no spares`))
  }
  const devices = arrayField(value, 'devices')
  if (Array.isArray(field(value, 'devices')) && devices.length === 0) {
    findings.push(subject.found('ignition-raid', [...path, 'devices'], 'the array has no devices'))
  }
  const faults = devices.flatMap((device, index) => {
    const fault = typeof device === 'string' ? pathFault(device, subject.isSpec3) : undefined
    return fault === undefined
      ? []
      : [subject.found('ignition-path', [...path, 'devices', index], `device ${fault.says}`, { hint: fault.hint })]
  })
  return [...findings, ...faults]
}

/** A LUKS2 header has room for 48 bytes, one of which ends the text. */
const LUKS_LABEL_BYTES = 48 - 1

function checkLuks(subject: Subject, luks: Item): readonly Finding[] {
  const { path, value } = luks
  const findings: Finding[] = [...checkDevice(subject, luks)]
  if (stringField(value, 'name')?.includes('/') === true) {
    findings.push(subject.found('ignition-luks', [...path, 'name'], 'the name of a device has no slash'))
  }
  if (Buffer.byteLength(stringField(value, 'label') ?? '') > LUKS_LABEL_BYTES) {
    findings.push(
      subject.found('ignition-label', [...path, 'label'], `a LUKS label has at most ${LUKS_LABEL_BYTES} bytes`),
    )
  }
  const clevis = innerItem(luks, 'clevis')
  return clevis === undefined ? findings : [...findings, ...checkClevis(subject, clevis)]
}

function checkClevis(subject: Subject, clevis: Item): readonly Finding[] {
  const { path, value } = clevis
  const tang = itemsIn(clevis, ['tang'])
  const threshold = field(value, 'threshold')
  const others = tang.length > 0 || field(value, 'tpm2') === true || (typeof threshold === 'number' && threshold !== 0)
  const custom = innerItem(clevis, 'custom')
  const pin = stringField(custom?.value, 'pin') ?? ''
  const config = stringField(custom?.value, 'config') ?? ''
  const isUsed = custom !== undefined && (pin !== '' || config !== '' || field(custom.value, 'needsNetwork') === true)
  const findings: Finding[] = []
  if (others && (subject.atLeast('3.3.0') ? pin !== '' : custom !== undefined)) {
    findings.push(
      subject.found('ignition-luks', path, 'custom stands beside tang, tpm2 or threshold', {
        hint: 'leave out one or the others',
      }),
    )
  }
  if (isUsed && !['tpm2', 'tang', 'sss'].includes(pin)) {
    findings.push(
      subject.found('ignition-luks', [...path, 'custom', 'pin'], `there is no clevis pin ${JSON.stringify(pin)}`, {
        hint: 'pins: tpm2, tang, sss',
      }),
    )
  }
  if (isUsed && config === '') {
    findings.push(subject.found('ignition-luks', [...path, 'custom', 'config'], 'the custom pin has no config'))
  }
  return [...findings, ...tang.flatMap((server) => checkTang(subject, server))]
}

function checkTang(subject: Subject, { path, value }: Item): readonly Finding[] {
  const url = stringField(value, 'url')
  const findings: Finding[] = []
  if (url !== undefined && !isHttp(url)) {
    findings.push(
      subject.found(
        'ignition-url',
        [...path, 'url'],
        `a tang server has a URL of http or https, found ${JSON.stringify(url)}`,
      ),
    )
  }
  if (field(value, 'thumbprint') === '') {
    findings.push(subject.found('ignition-luks', [...path, 'thumbprint'], 'the tang server has no thumbprint'))
  }
  return findings
}
