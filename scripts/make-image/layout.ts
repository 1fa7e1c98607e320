/**
 * The partition tables of both layouts, as the vendors' disk_layout.json gives them.
 *
 * Numbers are sectors of 512 bytes. Written down once more on purpose, apart from anything under src/: the images must be
 * able to contradict the code that reads them. Slots 5 and 8 are blank, so they have no row.
 * Sources: coreos/scripts and flatcar/scripts, `build_library/disk_layout.json`; type GUIDs from coreos/seismograph,
 * `src/firmware/include/gpt.h`.
 */
import type { ImagePlan, Layout, Variant } from './options.js'

export const SECTOR = 512
export const FS_BLOCK = 4096

export const TYPE_GUID = {
  efi: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  bios: '21686148-6449-6e6f-744e-656564454649',
  usr: '5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6',
  resize: '3884dd41-8582-4404-b9a8-e9b84f2df50e',
  reserved: 'c95dc21a-df0e-4340-8d7b-26cbfa9a03e0',
  data: '0fc63daf-8483-4772-8e79-3d69d8477de4',
} as const

export type TypeAlias = keyof typeof TYPE_GUID

/** A flag, not an identity: first boot replaces it. */
export const DISK_GUID = '00000000-0000-0000-0000-000000000001'
/** The only two partitions whose GUIDs are the same in every release. */
export const USR_A_GUID = '7130c94a-213a-4e5a-8e26-6cce9662f132'
export const USR_B_GUID = 'e03dd35c-7c2d-4a47-b3fe-27f15780a57c'

/** Attribute bits: 2 = legacy BIOS bootable (UEFI); 48-51 priority, 52-55 tries, 56 successful (Chrome OS). */
const LEGACY_BOOT = 1n << 2n
const PRIORITY_1_SUCCESSFUL = (1n << 48n) | (1n << 56n)

export interface PartitionRow {
  readonly number: number
  readonly label: string
  readonly type: TypeAlias
  /** Undefined: made from the seed. */
  readonly guid: string | undefined
  readonly startSector: number
  readonly sectors: number
  readonly attributes: bigint
}

export interface DiskLayout {
  readonly partitions: readonly PartitionRow[]
  readonly totalSectors: number
}

type Place = readonly [startSector: number, sectors: number]

const PLACES: Readonly<
  Record<Layout, Readonly<Record<1 | 2 | 3 | 4 | 6 | 7, Place>> & { readonly rootStart: number }>
> = {
  A: {
    1: [4096, 262144],
    2: [266240, 4096],
    3: [270336, 2097152],
    4: [2367488, 2097152],
    6: [4464640, 262144],
    7: [4726784, 131072],
    rootStart: 4857856,
  },
  B: {
    1: [4096, 2097152],
    2: [2101248, 4096],
    3: [2105344, 4194304],
    4: [6299648, 4194304],
    6: [10493952, 2097152],
    7: [12591104, 131072],
    rootStart: 12722176,
  },
}

const ROOT_SECTORS: Readonly<Record<Variant, Readonly<Record<Layout, number>>>> = {
  base: { A: 4427776, B: 3653632 },
  vm: { A: 12943360, B: 12943360 },
  azure: { A: 58875904, B: 50876416 },
  vagrant: { A: 33845248, B: 33845248 },
  onmetal: { A: 4427776, B: 3653632 },
}

/** 126 MiB: the least common multiple of the partition alignment and 16 x 63, so that VHD tools keep the length. */
const DISK_ALIGNMENT = 258048
/** Behind the last partition: the backup table (32 sectors), its header, and the one sector the formula rounds with. */
const DISK_TAIL = 34

export function diskLayout(plan: Pick<ImagePlan, 'layout' | 'variant' | 'mbr'>): DiskLayout {
  const places = PLACES[plan.layout]
  const rootSectors = ROOT_SECTORS[plan.variant][plan.layout]
  const row = (number: 1 | 2 | 3 | 4 | 6 | 7, label: string, type: TypeAlias, guid?: string, attributes = 0n) => ({
    number,
    label,
    type,
    guid,
    startSector: places[number][0],
    sectors: places[number][1],
    attributes,
  })
  const onmetal = plan.variant === 'onmetal'
  return {
    partitions: [
      row(1, 'EFI-SYSTEM', 'efi', undefined, plan.mbr === 'hybrid' ? LEGACY_BOOT : 0n),
      row(2, 'BIOS-BOOT', 'bios'),
      row(3, 'USR-A', 'usr', USR_A_GUID, PRIORITY_1_SUCCESSFUL),
      row(4, 'USR-B', 'usr', USR_B_GUID),
      row(6, 'OEM', 'data'),
      onmetal ? row(7, 'config-2', 'data') : row(7, 'OEM-CONFIG', 'reserved'),
      {
        number: 9,
        label: 'ROOT',
        type: 'resize',
        guid: undefined,
        startSector: places.rootStart,
        sectors: rootSectors,
        attributes: 0n,
      },
    ],
    totalSectors: Math.ceil((places.rootStart + rootSectors + DISK_TAIL) / DISK_ALIGNMENT) * DISK_ALIGNMENT,
  }
}

export interface Region {
  readonly offset: number
  readonly length: number
}

/** A partition's bytes. */
export function partitionRegion(layout: DiskLayout, number: number): Region {
  const row = layout.partitions.find((candidate) => candidate.number === number)
  if (row === undefined) throw new RangeError(`the layout has no partition ${number}`)
  return { offset: row.startSector * SECTOR, length: row.sectors * SECTOR }
}
