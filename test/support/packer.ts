/** Debian's Packer 1.6, started in a directory of its own with this checkout's plugin and command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { CHECKOUT, RUN_MARK } from './command-line.js'

export const EXAMPLES = join(CHECKOUT, 'examples', 'packer')

export interface PackerResult {
  readonly exitCode: number | null
  /** Standard output and standard error, as they came. */
  readonly said: string
}

export interface PackerRun {
  readonly child: ChildProcess
  readonly ended: Promise<PackerResult>
  /** Resolves when Packer has said it. */
  until(text: RegExp): Promise<void>
}

export interface PackerPlace {
  readonly directory: string
  path(name: string): string
  write(name: string, text: string): void
  start(args: readonly string[], env?: Readonly<Record<string, string>>): PackerRun
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<PackerResult>
}

/** What `npm install` makes of package.json's `bin`, for Packer's PACKER_PLUGIN_PATH and for PATH. */
export function linkPrograms(directory: string): void {
  mkdirSync(directory)
  for (const [name, file] of [
    ['packer-post-processor-oem-bake', 'packer-plugin.js'],
    ['oem-bake', 'oem-bake.js'],
  ] as const) {
    const target = join(CHECKOUT, 'dist', file)
    chmodSync(target, 0o755)
    symlinkSync(target, join(directory, name))
  }
}

/**
 * @param parent where it is made
 * @param image becomes `image.img`
 * @param plugins for PACKER_PLUGIN_PATH. @default the npm package's programs
 */
export function packerPlace(parent: string, image: string, plugins?: string): PackerPlace {
  const directory = mkdtempSync(join(parent, 'packer-'))
  const path = (name: string): string => join(directory, name)
  linkSync(image, path('image.img'))
  for (const name of readdirSync(EXAMPLES)) copyFileSync(join(EXAMPLES, name), path(name))
  linkPrograms(path('bin'))
  mkdirSync(path('tmp'))
  const start = (args: readonly string[], extra: Readonly<Record<string, string>> = {}): PackerRun => {
    const env = {
      ...process.env,
      [RUN_MARK]: directory,
      CHECKPOINT_DISABLE: '1',
      HOME: directory,
      PACKER_CACHE_DIR: path('cache'),
      PACKER_NO_COLOR: '1',
      PACKER_PLUGIN_PATH: plugins ?? path('bin'),
      PATH: `${path('bin')}:${process.env.PATH ?? ''}`,
      SOURCE_DATE_EPOCH: '1600000000',
      TMPDIR: path('tmp'),
      ...extra,
    }
    const child = spawn('packer', args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let said = ''
    const waiting = new Set<() => void>()
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        for (const look of waiting) look()
      })
    }
    const ended = new Promise<PackerResult>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode) => resolve({ exitCode, said }))
    })
    const until = (text: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.test(said)) resolve()
        }
        waiting.add(look)
        look()
        void ended.then(() => reject(new Error(`Packer ended without ${text}: ${said}`)))
      })
    return { child, ended, until }
  }
  return {
    directory,
    path,
    write: (name, text) => writeFileSync(path(name), text),
    start,
    run: (args, env) => start(args, env).ended,
  }
}
