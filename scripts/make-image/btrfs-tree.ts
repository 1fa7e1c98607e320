/**
 * Rewrites the file tree of a small btrfs so that it is the same every time, and gives it a compression property.
 *
 * mkfs.btrfs takes inode numbers and the order of names from the directory that it copies, which differ from run to run.
 * It has no way to set a property: `btrfs property set` wants a mounted filesystem. So inodes get numbers in the order of
 * their paths, names get positions in the order of the alphabet, and each inode gets what the property is on disk: an
 * extended attribute `btrfs.compression` and the COMPRESS flag. Only trees of one leaf are served; an OEM partition as
 * the vendors ship it has one.
 * Sources: btrfs documentation, "On-disk format"; Linux `fs/btrfs/props.c` for the property.
 */
import { ITEM_TYPE, type LeafItem } from './btrfs-leaf.js'
import { btrfsNameHash } from './crc32c.js'
import { compare } from './tree.js'

const ROOT_INODE = 256n
/** `BTRFS_INODE_COMPRESS` */
const FLAG_COMPRESS = 1n << 11n
const PROPERTY = 'btrfs.compression'
const TYPE_XATTR = 8
/** u64 index, u16 name length, name */
const REF_NAME = 10

export interface CanonicalTree {
  readonly items: readonly LeafItem[]
  /** Old to new, for the references that the extent tree holds. */
  readonly inodes: ReadonlyMap<bigint, bigint>
}

export function canonicalTree(items: readonly LeafItem[], compression: string): CanonicalTree {
  const names = readNames(items)
  const pathOf = (inode: bigint): string => {
    const name = names.get(inode)
    return name === undefined ? '' : `${pathOf(name.parent)}/${name.name}`
  }
  const ordered = [...names.keys()].sort((a, b) => compare(pathOf(a), pathOf(b)))
  const inodes = new Map<bigint, bigint>([[ROOT_INODE, ROOT_INODE]])
  for (const inode of ordered) inodes.set(inode, ROOT_INODE + BigInt(inodes.size))
  const newInode = (old: bigint): bigint => inodes.get(old) ?? old
  /** Positions start at 2, as in the kernel: 0 and 1 stand for the two dots. */
  const positionOf = (inode: bigint): bigint => {
    const parent = names.get(inode)?.parent
    return 2n + BigInt(ordered.filter((other) => names.get(other)?.parent === parent).indexOf(inode))
  }
  const moved = items
    .filter((item) => item.type !== ITEM_TYPE.xattr)
    .map((item): LeafItem => {
      const data = Buffer.from(item.data)
      const objectid = newInode(item.objectid)
      switch (item.type) {
        case ITEM_TYPE.inode:
          // 64 u64 flags
          data.writeBigUInt64LE(data.readBigUInt64LE(64) | FLAG_COMPRESS, 64)
          return { ...item, objectid, data }
        case ITEM_TYPE.inodeRef:
          if (item.objectid !== ROOT_INODE) data.writeBigUInt64LE(positionOf(item.objectid), 0)
          return { ...item, objectid, offset: newInode(item.offset), data }
        case ITEM_TYPE.dirItem:
        case ITEM_TYPE.dirIndex: {
          // 0 u64 objectid of the entry's inode
          const target = data.readBigUInt64LE(0)
          data.writeBigUInt64LE(newInode(target), 0)
          return {
            ...item,
            objectid,
            offset: item.type === ITEM_TYPE.dirIndex ? positionOf(target) : item.offset,
            data,
          }
        }
        default:
          return { ...item, objectid, data }
      }
    })
  const properties = [...inodes.values()].map((inode) => propertyItem(inode, compression))
  return { items: [...moved, ...properties], inodes }
}

interface Name {
  readonly parent: bigint
  readonly name: string
}

function readNames(items: readonly LeafItem[]): ReadonlyMap<bigint, Name> {
  const names = new Map<bigint, Name>()
  for (const item of items) {
    if (item.type !== ITEM_TYPE.inodeRef || item.objectid === ROOT_INODE) continue
    names.set(item.objectid, { parent: item.offset, name: item.data.subarray(REF_NAME).toString('utf8') })
  }
  return names
}

/** `btrfs_dir_item` in its role as an extended attribute. */
function propertyItem(inode: bigint, value: string): LeafItem {
  const head = Buffer.alloc(30)
  // 0 key (unused), 17 u64 transid, 25 u16 data length, 27 u16 name length, 29 u8 type
  head.writeUInt16LE(value.length, 25)
  head.writeUInt16LE(PROPERTY.length, 27)
  head.writeUInt8(TYPE_XATTR, 29)
  return {
    objectid: inode,
    type: ITEM_TYPE.xattr,
    offset: BigInt(btrfsNameHash(PROPERTY)),
    data: Buffer.concat([head, Buffer.from(PROPERTY + value, 'latin1')]),
  }
}
