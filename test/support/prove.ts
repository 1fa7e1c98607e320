/** Images for proofs: a small disk in every form that it may have, and bakes of it; and what a proof says of a pair. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { type BakeReport, bake, type ProofReport } from '../../dist/index.js'
import { BZIP2_PROGRAMS, compress } from './bzip2.js'
import { type RunResult, runCli } from './command-line.js'
import { noise } from './random.js'
import { makeSmallDisk } from './small-disk.js'

export const FORMS = [
  'raw',
  'lbzip2',
  'bzip2',
  'pbzip2',
  'qcow2',
  'qcow2 lbzip2',
  'qcow2 with compressed clusters',
  'qcow2 with compressed clusters lbzip2',
] as const
export type Form = (typeof FORMS)[number]

/** A disk with dense data before the OEM partition: three of the blocks of level 2 are full of it. */
export const LEVEL = 2

export function proveDisk(path: string): string {
  return makeSmallDisk(path, { data: noise(600_000, 'usr'), oemFiles: { '/grub.cfg': 'set oem_id="generic"\n' } })
}

/** A raw disk in another form, at `path`. */
export function inForm(disk: string, form: Form, path: string): string {
  const program = BZIP2_PROGRAMS.find((name) => form.split(' ').at(-1) === name)
  let decoded = disk
  if (form.startsWith('qcow2')) {
    decoded = program === undefined ? path : `${path}.decoded`
    const clusters = form.includes('compressed') ? ['-c'] : []
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...clusters, disk, decoded])
  }
  if (program !== undefined) {
    writeFileSync(path, compress(readFileSync(decoded), LEVEL, program))
  } else if (decoded !== path) copyFileSync(decoded, path)
  return path
}

/** An edition of an image. */
export async function bakeOf(image: string, output: string): Promise<string> {
  const report: BakeReport = await bake({ image, output, template: 'rackspace', force: true, cache: false })
  return report.output.path
}

export interface ProveRun extends RunResult {
  readonly report: ProofReport
}

/** What the command line says with `--json`. */
export async function proveJson(original: string, baked: string, flags: readonly string[] = []): Promise<ProveRun> {
  const run = await runCli(['prove', original, baked, '--json', ...flags])
  return { ...run, report: JSON.parse(run.stdout) as ProofReport }
}
