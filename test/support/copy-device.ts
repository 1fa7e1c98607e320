import { writeFile } from 'node:fs/promises'
import type { ByteDevice } from '#src/byte-device.js'

/** Writes all bytes of a device to a file, in one piece: for small devices. */
export async function copyDevice(device: ByteDevice, path: string): Promise<void> {
  await writeFile(path, await device.read(0, device.size))
}
