/**
 * Which programs had a hand in an edition, with their versions: another version may give other bytes.
 */
import type { EngineName } from '../engine/engine.js'
import type { RunContext } from '../progress.js'
import { ownVersion, PROGRAM } from '../version.js'

export interface Tool {
  readonly name: string
  /** As it says itself; undefined when it does not. */
  readonly version: string | undefined
}

export interface ToolsInQuestion {
  readonly engine: EngineName
  /** The outside program that encoded the image, if one did. */
  readonly encoder: string | undefined
  readonly gpg: Tool | undefined
}

/** The first number with a dot in it that a program says of itself. */
const VERSION = /\d+\.\d[\w.+~-]*/

export async function toolsUsed(used: ToolsInQuestion, context: RunContext): Promise<readonly Tool[]> {
  const own: Tool[] = [
    { name: PROGRAM, version: ownVersion() },
    { name: 'node', version: process.version.slice(1) },
  ]
  const qemu = process.arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64'
  const programs = [
    ...(used.engine === 'libguestfs'
      ? [
          ['guestfish', 'guestfish'],
          ['qemu', context.env.LIBGUESTFS_HV ?? qemu],
        ]
      : []),
    ...(used.encoder === undefined ? [] : [[used.encoder, used.encoder]]),
  ] as const
  const outside = await Promise.all(
    programs.map(async ([name = '', program = '']) => ({ name, version: await versionOf(program, context) })),
  )
  return [...own, ...outside, ...(used.gpg === undefined ? [] : [used.gpg])]
}

/** Loaded only here: starting programs costs 80 ms before the first one is started. */
async function versionOf(program: string, context: RunContext): Promise<string | undefined> {
  const { findProgram, runCommand } = await import('../command.js')
  const path = program.includes('/') ? program : await findProgram(program, context.env)
  if (path === undefined) return undefined
  // bzip2 would wait for something to compress after it has told its version.
  const { stdout, stderr } = await runCommand(path, ['--version'], {
    signal: context.signal,
    timeoutMs: 10_000,
    input: '',
  })
  return VERSION.exec(`${stdout}\n${stderr}`)?.[0]
}
