/**
 * From decoded bytes to a virtual disk of 512-byte sectors, and back to the bytes of an edited image file.
 *
 * The format is told from the bytes. A raw image is its own disk: the overlay lies directly on the decoded bytes. For a
 * qcow2 image it lies on a device that maps its clusters (`qcow2/`); what comes after sees one overlay, whatever the format.
 */
import type { ByteDevice, EditedDevice } from '../byte-device.js'
import type { DecodedImage, ImageNotes } from '../codec/codec.js'
import { ImageError, UnsupportedError } from '../errors.js'
import { Overlay } from '../overlay.js'
import { DEFAULT_SIZE_LIMIT_BYTES } from '../size-limit.js'
import { type FileKind, sniff } from '../source/sniff.js'
import { SECTOR_BYTES } from '../units.js'
import { openQcow2 } from './qcow2/qcow2.js'
import type { Qcow2VirtualDevice } from './qcow2/virtual-device.js'

/** A virtual disk whose sectors may be written without touching anything below. */
export interface VirtualDisk extends AsyncDisposable {
  readonly format: 'raw' | 'qcow2'
  /** All sectors; edits collect here. */
  readonly sectors: Overlay
  /** Where a qcow2 file has the sectors, before any edit; undefined for a raw disk, which is its own file. */
  readonly clusters?: Qcow2VirtualDevice
  /** What a later run on the same file need not find out again. */
  readonly notes: ImageNotes
  /** The bytes of the image file with the edits in it, ready to be encoded. Call once, after the last edit. */
  edited(): Promise<EditedDevice>
}

/**
 * @param limitBytes most that the virtual disk may have. @default 64 GiB
 * @throws ERR_DISK_FORMAT_UNSUPPORTED for formats that are recognised but not read
 * @throws ERR_NOT_AN_IMAGE when nothing is recognised; ERR_GPT_MISSING for a disk with only an MBR
 * @throws ERR_QCOW2_INVALID | ERR_QCOW2_UNSUPPORTED | ERR_IMAGE_TOO_LARGE
 */
export async function openDisk(
  decoded: Pick<DecodedImage, 'device' | 'notes'>,
  limitBytes = DEFAULT_SIZE_LIMIT_BYTES,
): Promise<VirtualDisk> {
  const kind = decoded.device.size === 0 ? 'unknown' : await sniff(decoded.device)
  switch (kind) {
    case 'qcow2':
      return openQcow2(decoded.device, limitBytes, decoded.notes)
    case 'disk with a GPT':
    case 'disk with an MBR':
      return rawDisk(decoded.device)
    case 'unknown':
    case 'web page or text':
      throw new ImageError(
        'ERR_NOT_AN_IMAGE',
        `this is not a disk image: no partition table at sector 1 and no known format in ${decoded.device.size} bytes`,
        {
          hint: 'give a Container Linux or Flatcar production image (.bin.bz2, .img.bz2, .bin, .img)',
        },
      )
    default:
      throw new UnsupportedError(
        'ERR_DISK_FORMAT_UNSUPPORTED',
        `the image is ${kind}, which is not supported yet: expected raw or qcow2`,
        {
          hint: CONVERT[kind] ?? 'convert it to raw with qemu-img convert, bake that, and convert back',
          details: { found: kind },
        },
      )
  }
}

const CONVERT: Partial<Record<FileKind, string>> = {
  'vhd (dynamic)':
    'qemu-img convert -f vpc -O raw IN OUT, bake that, then qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on',
  'vhd (fixed)':
    'qemu-img convert -f vpc -O raw IN OUT, bake that, then qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on',
  vhdx: 'qemu-img convert -f vhdx -O raw IN OUT, bake that, then convert back',
  vmdk: 'qemu-img convert -f vmdk -O raw IN OUT, bake that, then convert back',
  vdi: 'qemu-img convert -f vdi -O raw IN OUT, bake that, then convert back',
  bzip2: 'the image is compressed twice: bzip2 -dk it once, then bake what comes out of it',
  'iso 9660': 'ISO images have no OEM partition: use a production disk image',
  cpio: 'PXE images have no OEM partition: append a cpio archive with usr/share/oem/ to the initrd instead',
}

/**
 * A disk that is its own file, whatever is on it.
 *
 * @throws ERR_DISK_SIZE
 */
export function rawDisk(device: ByteDevice): VirtualDisk {
  if (device.size % SECTOR_BYTES !== 0) {
    throw new ImageError(
      'ERR_DISK_SIZE',
      `the decoded image has ${device.size} bytes, which is no whole number of ${SECTOR_BYTES}-byte sectors`,
      {
        hint: 'the image is cut off or has something appended: download it again',
      },
    )
  }
  const sectors = new Overlay(device)
  return {
    format: 'raw',
    sectors,
    notes: {},
    edited: async () => sectors,
    [Symbol.asyncDispose]: async () => undefined,
  }
}
