/**
 * GUIDs as GPT stores them: the first three fields little-endian, the rest in order.
 *
 * Source: UEFI Specification 2.10, appendix A. Text is lower case, as in the layout tables of coreos/scripts.
 */

/** @param bytes 16 bytes as stored */
export function parseGuid(bytes: Buffer): string {
  const timeLow = bytes.readUInt32LE(0).toString(16).padStart(8, '0')
  const timeMid = bytes.readUInt16LE(4).toString(16).padStart(4, '0')
  const timeHigh = bytes.readUInt16LE(6).toString(16).padStart(4, '0')
  const rest = bytes.toString('hex', 8, 16)
  return `${timeLow}-${timeMid}-${timeHigh}-${rest.slice(0, 4)}-${rest.slice(4)}`
}

export const UNUSED_GUID = '00000000-0000-0000-0000-000000000000'
/** The disk GUID of an image that was never booted; the first boot replaces it. A flag, not a mistake. */
export const FIRST_BOOT_DISK_GUID = '00000000-0000-0000-0000-000000000001'

const TYPE_NAMES: Readonly<Record<string, string>> = {
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'efi',
  '21686148-6449-6e6f-744e-656564454649': 'bios',
  '5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6': 'usr',
  '3884dd41-8582-4404-b9a8-e9b84f2df50e': 'resize',
  'c95dc21a-df0e-4340-8d7b-26cbfa9a03e0': 'reserved',
  'be9067b9-ea49-4f15-b4f6-f36f8c9e1818': 'root-raid',
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'data',
}

/** The names of coreos/seismograph's table of partition types; the GUID itself for any other. */
export function partitionTypeName(guid: string): string {
  return TYPE_NAMES[guid] ?? guid
}
