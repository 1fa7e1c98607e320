/**
 * Runs the system's file system tools, with a fixed clock and locale, and never a shell.
 *
 * Kept apart from src/command.ts because tools here write straight into files and must not read the caller's time zone.
 */
import { spawn } from 'node:child_process'
import { EngineError } from '#src/errors.js'

/** Debian package of each tool, for the message when one is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  mke2fs: 'e2fsprogs',
  tune2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mmd: 'mtools',
  mcopy: 'mtools',
  'mkfs.btrfs': 'btrfs-progs',
  'qemu-img': 'qemu-utils',
  lbzip2: 'lbzip2',
  bzip2: 'bzip2',
  pbzip2: 'pbzip2',
}

export interface ToolOptions {
  readonly epochSeconds: number
  readonly input?: string
  /** An open file that takes standard output. */
  readonly outputFd?: number
}

export interface ToolOutput {
  readonly stdout: string
  readonly stderr: string
}

/**
 * @throws ERR_CHILD_FAILED when it is not installed, or exits with anything but 0
 */
export async function runTool(file: string, args: readonly string[], options: ToolOptions): Promise<ToolOutput> {
  return await new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['pipe', options.outputFd ?? 'pipe', 'pipe'],
      env: {
        ...process.env,
        // mkfs tools live in sbin, which a user's PATH often lacks.
        PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
        LC_ALL: 'C',
        TZ: 'UTC',
        E2FSPROGS_FAKE_TIME: String(options.epochSeconds),
        SOURCE_DATE_EPOCH: String(options.epochSeconds),
        // The FAT's geometry does not fit a floppy's; mtools would refuse it.
        MTOOLS_SKIP_CHECK: '1',
      },
    })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', (error) => reject(notStarted(file, error)))
    child.on('close', (exitCode, signal) => {
      if (exitCode === 0) resolve({ stdout, stderr })
      else
        reject(
          new EngineError(
            'ERR_CHILD_FAILED',
            `${file} ended with ${signal ?? `exit code ${exitCode}`}: ${stderr.trim() || stdout.trim()}`,
            { details: { args } },
          ),
        )
    })
    child.stdin?.on('error', () => undefined).end(options.input ?? '')
  })
}

function notStarted(file: string, cause: Error): EngineError {
  return new EngineError('ERR_CHILD_FAILED', `${file} could not be started: ${cause.message}`, {
    hint: `apt-get install ${PACKAGES[file] ?? file}`,
    cause,
  })
}
