/**
 * A guestfish session with methods named as libguestfs names its calls (guestfs(3)), underscores left out.
 *
 * Paths may hold anything but NUL. File content goes through files on the host, never through the script. Only calls
 * whose answer can be told apart from any file name are offered: `find0` and `lstatnslist` instead of `ls -l`.
 */
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EngineError } from '../../errors.js'
import type { GuestfishProcess } from './guestfish-process.js'
import { batchesOf, formatArgument, formatCommand, formatList } from './quote.js'
import { type FileStatus, type FilesystemStatus, parseFilesystemStatus, parseStatusList } from './stat.js'

export interface Drive {
  /** A raw disk image on the host. */
  readonly path: string
  readonly readOnly: boolean
}

export class GuestfishSession {
  readonly #process: GuestfishProcess
  readonly #directory: string
  #transfers = 0

  /** @param directory for files on their way between host and appliance */
  constructor(process: GuestfishProcess, directory: string) {
    this.#process = process
    this.#directory = directory
  }

  /** A path of its own for one file on its way. The caller removes it. */
  transferPath(): string {
    return join(this.#directory, `transfer-${this.#transfers++}`)
  }

  /** Runs any call; for those without a method here. @returns what guestfish prints */
  async call(
    name: string,
    args: readonly string[],
    options: Readonly<Record<string, string | boolean>> = {},
  ): Promise<Buffer> {
    return this.#process.command(formatCommand(name, args, options))
  }

  /**
   * The format is always said: libguestfs would otherwise guess it from bytes that the image's maker chose.
   * Cache mode `unsafe` is about a crash of this machine, after which there is no output anyway.
   */
  async addDrive(drive: Drive): Promise<void> {
    const options = { format: 'raw', ...(drive.readOnly ? { readonly: true } : { cachemode: 'unsafe' }) }
    await this.call('add-drive', [resolve(drive.path)], options)
  }

  async launch(): Promise<void> {
    await this.call('launch', [])
  }

  async setVerbose(verbose: boolean): Promise<void> {
    await this.call('set-verbose', [String(verbose)])
  }

  /** The hypervisor that a launch would start. */
  async getHv(): Promise<string> {
    return line(await this.call('get-hv', []))
  }

  /** Whether the appliance's kernel can mount it. */
  async filesystemAvailable(filesystem: string): Promise<boolean> {
    return line(await this.call('filesystem-available', [filesystem])) === 'true'
  }

  async mkmountpoint(path: string): Promise<void> {
    await this.call('mkmountpoint', [path])
  }

  async mountRo(device: string, mountpoint: string): Promise<void> {
    await this.call('mount-ro', [device, mountpoint])
  }

  async mountOptions(mountOptions: string, device: string, mountpoint: string): Promise<void> {
    await this.call('mount-options', [mountOptions, device, mountpoint])
  }

  async umount(mountpoint: string): Promise<void> {
    await this.call('umount', [mountpoint])
  }

  async umountAll(): Promise<void> {
    await this.call('umount-all', [])
  }

  async sync(): Promise<void> {
    await this.call('sync', [])
  }

  /** Ends the appliance. @throws ERR_GUESTFISH also when the hypervisor did not end well: the drives can't be trusted then */
  async shutdown(): Promise<void> {
    await this.call('shutdown', [])
  }

  /** All names below a directory, relative to it, in no order. */
  async find0(directory: string): Promise<readonly string[]> {
    const list = await this.#received((path) => this.call('find0', [directory, path]))
    if (list.length === 0) return []
    // With a directory other than the root, libguestfs leaves a slash in front.
    return splitNul(list).map((name) => decodeName(name, directory).replace(/^\//, ''))
  }

  /**
   * Status of names below a directory, links not followed; undefined where there is nothing.
   * One command for as many names as fit a script line.
   */
  async lstatnslist(directory: string, names: readonly string[]): Promise<readonly (FileStatus | undefined)[]> {
    const batches = batchesOf(names, 'lstatnslist  ""'.length + formatArgument(directory).length * 4)
    const statuses = await Promise.all(
      batches.map(async (batch) => {
        const output = await this.call('lstatnslist', [directory, formatList(batch)])
        return parseStatusList(output.toString('latin1'), batch.length)
      }),
    )
    return statuses.flat()
  }

  async readlink(path: string): Promise<string> {
    const output = await this.call('readlink', [path])
    return decodeName(output.subarray(0, -1), path)
  }

  async statvfs(path: string): Promise<FilesystemStatus> {
    return parseFilesystemStatus((await this.call('statvfs', [path])).toString('latin1'))
  }

  /** Content of a file, which has to fit memory. */
  async readFile(path: string): Promise<Buffer> {
    return this.#received((host) => this.download(path, host))
  }

  async download(path: string, hostPath: string): Promise<void> {
    await this.call('download', [path, resolve(hostPath)])
  }

  async upload(hostPath: string, path: string): Promise<void> {
    await this.call('upload', [resolve(hostPath), path])
  }

  /** @param type `sha256` and others of guestfs(3), "checksum" */
  async checksum(type: string, path: string): Promise<string> {
    return line(await this.call('checksum', [type, path]))
  }

  async mkdir(path: string): Promise<void> {
    await this.call('mkdir', [path])
  }

  async chmod(mode: number, path: string): Promise<void> {
    await this.call('chmod', [`0${mode.toString(8)}`, path])
  }

  async chown(uid: number, gid: number, path: string): Promise<void> {
    await this.call('chown', [String(uid), String(gid), path])
  }

  /** Of a symbolic link itself. */
  async lchown(uid: number, gid: number, path: string): Promise<void> {
    await this.call('lchown', [String(uid), String(gid), path])
  }

  async lnS(target: string, path: string): Promise<void> {
    await this.call('ln-s', [target, path])
  }

  /** Sets time of access and of modification. */
  async utimens(path: string, seconds: number): Promise<void> {
    await this.call('utimens', [path, String(seconds), '0', String(seconds), '0'])
  }

  async rm(path: string): Promise<void> {
    await this.call('rm', [path])
  }

  async rmdir(path: string): Promise<void> {
    await this.call('rmdir', [path])
  }

  async #received(send: (hostPath: string) => Promise<unknown>): Promise<Buffer> {
    const path = this.transferPath()
    try {
      await send(path)
      return await readFile(path)
    } finally {
      await rm(path, { force: true })
    }
  }
}

/** An answer of one line. */
function line(output: Buffer): string {
  return output.toString('utf8').replace(/\n$/, '')
}

function splitNul(list: Buffer): readonly Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  for (let end = list.indexOf(0); end !== -1; end = list.indexOf(0, start)) {
    parts.push(list.subarray(start, end))
    start = end + 1
  }
  // The last one ends with the list in some versions, with a NUL in others.
  if (start < list.length) parts.push(list.subarray(start))
  return parts
}

/**
 * Linux names are bytes; ours are text.
 *
 * @throws ERR_GUESTFISH for bytes that no text stands for: such a file could be shown, but never be named again
 */
function decodeName(bytes: Buffer, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new EngineError(
      'ERR_GUESTFISH',
      `a name below ${where} is not UTF-8: ${JSON.stringify(bytes.toString('latin1'))}`,
      {
        hint: 'rename or remove that file with guestfish first',
        cause: error,
      },
    )
  }
}
