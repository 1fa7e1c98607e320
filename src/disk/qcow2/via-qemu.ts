/**
 * A qcow2 image as a virtual disk, through qemu-img and qemu-io on temporary files.
 *
 * Reading: converted once to a sparse raw file. Writing: qemu-io puts the changed sectors into a copy of the qcow2 file
 * in place, so that everything else in it stays where it was; then qemu-img checks the file and compares it, sector by
 * sector, with what was meant. The format is always named to qemu, never probed. (Mapping clusters ourselves, so that no
 * copies are needed, goes in this folder behind the same `VirtualDisk`.)
 */
import { type FileHandle, open, statfs, writeFile } from 'node:fs/promises'
import { type ByteDevice, FileDevice, piecesOf, writeWhole } from '../../byte-device.js'
import type { DecodedImage } from '../../codec/codec.js'
import { assertSucceeded, findProgram, lastLines, runCommand } from '../../command.js'
import { fileError, ImageError, MachineError, PostCheckError, UnsupportedError } from '../../errors.js'
import { Overlay } from '../../overlay.js'
import type { RunContext } from '../../progress.js'
import type { Workspace } from '../../temp.js'
import type { Extent } from '../../units.js'
import type { VirtualDisk } from '../disk.js'
import { parseQcow2Header, QCOW2_HEADER_BYTES } from './header.js'

const PIECE_BYTES = 1 << 20

/**
 * @throws ERR_QCOW2_INVALID | ERR_QCOW2_UNSUPPORTED from the header, ERR_QEMU_MISSING, ERR_CHILD_FAILED
 */
export async function openQcow2(
  decoded: DecodedImage,
  workspace: Workspace,
  context: RunContext,
): Promise<VirtualDisk> {
  const header = parseQcow2Header(await decoded.device.read(0, Math.min(QCOW2_HEADER_BYTES, decoded.device.size)))
  const qemuImg = await requireProgram('qemu-img', context)
  const qemuIo = await requireProgram('qemu-io', context)
  const rawPath = workspace.path('disk.raw')
  context.report({ kind: 'phase', phase: 'convert', detail: 'qemu-img' })
  const leaksBefore = await assertUndamaged(qemuImg, decoded.path, context)
  const converted = await runCommand(qemuImg, ['convert', '-f', 'qcow2', '-O', 'raw', decoded.path, rawPath], context)
  if (converted.exitCode !== 0) {
    await assertRoomLeft(workspace.directory, rawPath)
    // Ended by a signal, it says nothing about the image.
    if (converted.exitCode === undefined) assertSucceeded(converted, 'qemu-img convert')
    throw new ImageError(
      'ERR_QCOW2_INVALID',
      `qemu-img could not read the qcow2 image: ${lastLines(converted.stderr)}`,
      {
        hint: 'qemu-img check tells more; download the image again',
        details: { exitCode: converted.exitCode },
      },
    )
  }
  const handle = await open(rawPath, 'r+').catch((error) => {
    throw fileError(error, `open ${rawPath}`)
  })
  const sectors = new Overlay(new FileDevice(handle, header.virtualBytes, rawPath))
  let editedHandle: FileHandle | undefined
  return {
    format: 'qcow2',
    sectors,
    edited: async () => {
      const changed = await sectors.changedExtents()
      const path = await decoded.editablePath()
      await writeExtents(qemuIo, path, sectors, changed, workspace, context)
      // The raw copy becomes what was meant, and qemu-img the judge of whether the qcow2 file says the same.
      for (const range of changed) await copyExtent(sectors, handle, range, rawPath)
      try {
        await assertSame(qemuImg, path, rawPath, leaksBefore, context)
      } catch (error) {
        // A write that found no room is told here first: qemu-io's exit code says nothing of it.
        await assertRoomLeft(workspace.directory, path)
        throw error
      }
      const opened = await openForReading(path)
      editedHandle = opened.handle
      return new FileDevice(opened.handle, opened.sizeBytes, path)
    },
    [Symbol.asyncDispose]: async () => {
      await editedHandle?.close().catch(() => undefined)
      await handle.close().catch(() => undefined)
    },
  }
}

async function openForReading(path: string): Promise<{ readonly handle: FileHandle; readonly sizeBytes: number }> {
  const handle = await open(path, 'r').catch((error) => {
    throw fileError(error, `open ${path}`)
  })
  try {
    return { handle, sizeBytes: (await handle.stat()).size }
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw fileError(error, `look at ${path}`)
  }
}

/** What a full filesystem may have left when qemu-img gives up: less than two of its buffers of 2 MiB. */
const NO_ROOM_BYTES = 2 * (2 << 20)

/**
 * Tells a full filesystem from a bad image, without reading what qemu said.
 *
 * @throws ERR_NO_SPACE
 */
async function assertRoomLeft(directory: string, writing: string): Promise<void> {
  const space = await statfs(directory).catch(() => undefined)
  if (space === undefined || space.bavail * space.bsize >= NO_ROOM_BYTES) return
  throw new MachineError('ERR_NO_SPACE', `could not write ${writing}: no space left`, {
    hint: 'free some space, or point --tmp-dir to a filesystem with more',
    details: { freeBytes: space.bavail * space.bsize },
  })
}

async function requireProgram(name: string, context: RunContext): Promise<string> {
  const path = await findProgram(name, context.env)
  if (path !== undefined) return path
  throw new UnsupportedError('ERR_QEMU_MISSING', `the image is qcow2, and ${name} is not installed`, {
    hint: 'Debian/Ubuntu: sudo apt-get install qemu-utils\nFedora: sudo dnf install qemu-img',
  })
}

/**
 * qemu-io takes the new content of each write from a file, by a name without spaces: one file a piece, named relative to
 * the working directory. Its exit code says little about single commands; `assertSame` is what decides.
 */
async function writeExtents(
  qemuIo: string,
  image: string,
  sectors: ByteDevice,
  changed: readonly Extent[],
  workspace: Workspace,
  context: RunContext,
): Promise<void> {
  const commands: string[] = []
  for (const range of changed) {
    for (const piece of piecesOf(range, PIECE_BYTES)) {
      const name = `sectors-${piece.offset}.bin`
      const path = workspace.path(name)
      await writeFile(path, await sectors.read(piece.offset, piece.length)).catch((error) => {
        throw fileError(error, `write ${path}`)
      })
      commands.push(`write -q -s ${name} ${piece.offset} ${piece.length}`)
    }
  }
  const result = await runCommand(qemuIo, ['-f', 'qcow2', '-t', 'writeback', image], {
    signal: context.signal,
    cwd: workspace.directory,
    input: [...commands, 'flush', 'quit', ''].join('\n'),
  })
  assertSucceeded(result, 'qemu-io')
}

async function copyExtent(from: ByteDevice, to: FileHandle, range: Extent, name: string): Promise<void> {
  for (const piece of piecesOf(range, PIECE_BYTES))
    await writeWhole(to, piece.offset, await from.read(piece.offset, piece.length), name)
}

/** `qemu-img check` when clusters are allocated that nothing uses: wasted space, no damage. */
const CHECK_FOUND_LEAKS = 3

/**
 * Looks at an image's own bookkeeping before anything is believed: qemu-img reads clusters beyond the end of a file that
 * was cut off as zeros, and says nothing (seen with qemu 7.2).
 *
 * @returns whether it has leaked clusters, which its edition will have, too
 * @throws ERR_QCOW2_INVALID
 */
async function assertUndamaged(qemuImg: string, path: string, context: RunContext): Promise<boolean> {
  const check = await runCommand(qemuImg, ['check', '-q', '-f', 'qcow2', path], context)
  if (check.exitCode === 0) return false
  if (check.exitCode === CHECK_FOUND_LEAKS) return true
  throw new ImageError(
    'ERR_QCOW2_INVALID',
    `the qcow2 image is damaged or cut off; qemu-img check says: ${lastLines(check.stderr, 1)}`,
    {
      hint: 'download the image again and check its size and digest',
      details: { exitCode: check.exitCode },
    },
  )
}

async function assertSame(
  qemuImg: string,
  path: string,
  rawPath: string,
  leaksBefore: boolean,
  context: RunContext,
): Promise<void> {
  const check = await runCommand(qemuImg, ['check', '-q', '-f', 'qcow2', path], context)
  if (!leaksBefore || check.exitCode !== CHECK_FOUND_LEAKS) assertSucceeded(check, 'qemu-img check of the edited image')
  const compare = await runCommand(qemuImg, ['compare', '-q', '-f', 'qcow2', '-F', 'raw', path, rawPath], context)
  if (compare.exitCode === 0) return
  throw new PostCheckError(
    'ERR_CHECK_OUTPUT',
    `the edited qcow2 image does not hold what was meant: ${lastLines(compare.stdout + compare.stderr)}`,
    {
      hint: 'check the disk and the memory of this machine; nothing was published',
    },
  )
}
