/**
 * A cpio archive that Linux takes for its first root: the init program and two empty directories to mount on.
 *
 * Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst ("newc": thirteen numbers of eight hexadecimal
 * digits, the name, the content; name and content padded to four bytes).
 */
import { initProgram } from './init-program.js'

const DIRECTORY = 0o040755
const PROGRAM = 0o100755

export function initramfs(): Buffer {
  return Buffer.concat([
    member('dev', DIRECTORY, Buffer.alloc(0)),
    member('proc', DIRECTORY, Buffer.alloc(0)),
    member('init', PROGRAM, initProgram()),
    member('TRAILER!!!', 0, Buffer.alloc(0)),
  ])
}

let inode = 1

function member(name: string, mode: number, content: Buffer): Buffer {
  const links = 1
  const numbers = [inode++, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length + 1, 0]
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`
  return Buffer.concat([padded(Buffer.from(`${header}${name}\0`)), padded(content)])
}

function padded(buffer: Buffer): Buffer {
  return Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)])
}
