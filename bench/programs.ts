/** The outside programs that the benchmark compares with and judges by: that they are there, and running them. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Debian package of each. */
const PACKAGES: Readonly<Record<string, string>> = {
  lbzip2: 'lbzip2',
  bzip2: 'bzip2',
  pbzip2: 'pbzip2',
  'qemu-img': 'qemu-utils',
  debugfs: 'e2fsprogs',
  strace: 'strace',
  fallocate: 'util-linux',
  sha256sum: 'coreutils',
}

/** debugfs lives in sbin, which a user's PATH often lacks. */
export const ENV = { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }

/** @throws Error that names the packages to install */
export function assertProgramsThere(): void {
  const missing = Object.keys(PACKAGES).filter(
    (program) => spawnSync('sh', ['-c', 'command -v "$0"', program], { env: ENV }).status !== 0,
  )
  if (missing.length === 0) return
  const packages = new Set(missing.map((program) => PACKAGES[program]))
  throw new Error(`${missing.join(', ')} missing: apt-get install ${[...packages].join(' ')}`)
}

/**
 * Runs a program to its end; its standard output goes through `use`, piece by piece, or nowhere.
 *
 * @throws Error when it ends with anything but 0
 */
export async function run(program: string, args: readonly string[], use?: (bytes: Buffer) => void): Promise<void> {
  const child = spawn(program, args, { env: ENV, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes))
  child.stdout.on('data', (bytes: Buffer) => use?.(bytes))
  const [exitCode] = await once(child, 'close')
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${Buffer.concat(said)}`)
}

/** What a program says of itself on either stream, as far as it matches. */
export function versionOf(program: string, flag: string, pattern: RegExp): string {
  const said = spawnSync(program, [flag], { env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return `${program} ${pattern.exec(`${said.stdout}${said.stderr}`)?.[1] ?? 'of unknown version'}`
}
