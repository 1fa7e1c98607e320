/**
 * Speed and memory of full-size bakes against what a user could put together, in one interleaved run.
 *
 *     npm run bench -- [--rounds 3] [--write]
 *
 * Prints a table of medians and ratios; with `--write` it goes into bench/RESULTS.md. The images are made once and kept,
 * where `./scripts/test-full` finds them, too. By hand means: decompress with lbzip2, write three files with debugfs,
 * compress again.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cachedImage } from '../scripts/make-image/cache.js'
import { peakOfTree, type TreePeak } from './tree-memory.js'

const ROOT = join(import.meta.dirname, '..')
const DIRECTORY = join(ROOT, 'build', 'bench')
const CLI = join(ROOT, 'dist', 'cli', 'main.js')
const OEM_OFFSET_SECTORS = 4464640
const OEM_SECTORS = 262144

interface Subject {
  readonly name: string
  /** Compared with this one. */
  readonly against?: string
  readonly command: readonly string[]
}

interface Run extends TreePeak {
  readonly seconds: number
  readonly writtenMiB: number
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
})

const raw = await cachedImage({ distro: 'container-linux', size: 'full' })
const packed = await cachedImage({ distro: 'container-linux', size: 'full', compress: 'lbzip2' })
const output = join(DIRECTORY, 'output')

/** The same edit as a user would make it: cut the partition out, edit it with debugfs, put it back. */
const editByHand = (disk: string): string => `
  dd if=${disk} of=${output}.oem bs=512 skip=${OEM_OFFSET_SECTORS} count=${OEM_SECTORS} status=none
  for name in cloud-config.yml grub.cfg oem-release; do echo "write ${CLI} $name"; done | /usr/sbin/debugfs -w -f - ${output}.oem >/dev/null 2>&1
  dd if=${output}.oem of=${disk} bs=512 seek=${OEM_OFFSET_SECTORS} conv=notrunc status=none`

const SUBJECTS: readonly Subject[] = [
  {
    name: 'by hand, bzip2 image (lbzip2, debugfs, lbzip2)',
    command: [
      'bash',
      '-ec',
      `lbzip2 -dc ${packed} | dd of=${output}.raw bs=1M iflag=fullblock conv=sparse status=none; ${editByHand(`${output}.raw`)}; lbzip2 -c ${output}.raw > ${output}; sync ${output}`,
    ],
  },
  {
    name: 'oem-bake, bzip2 image, embedded',
    against: 'by hand, bzip2 image (lbzip2, debugfs, lbzip2)',
    command: [process.execPath, CLI, packed, '-t', 'rackspace', '--engine', 'embedded', '--force', '-q', '-o', output],
  },
  {
    name: 'by hand, raw image (cp, debugfs)',
    command: ['bash', '-ec', `cp --sparse=auto ${raw} ${output}; ${editByHand(output)}; sync ${output}`],
  },
  {
    name: 'oem-bake, raw image, embedded',
    against: 'by hand, raw image (cp, debugfs)',
    command: [process.execPath, CLI, raw, '-t', 'rackspace', '--engine', 'embedded', '--force', '-q', '-o', output],
  },
  {
    name: 'oem-bake, raw image, libguestfs',
    against: 'by hand, raw image (cp, debugfs)',
    command: [process.execPath, CLI, raw, '-t', 'rackspace', '--engine', 'libguestfs', '--force', '-q', '-o', output],
  },
]

async function main(): Promise<void> {
  mkdirSync(DIRECTORY, { recursive: true })
  const runs = new Map<string, Run[]>()
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const subject of SUBJECTS) {
      const run = await measure(subject)
      runs.set(subject.name, [...(runs.get(subject.name) ?? []), run])
      console.error(`${subject.name}: ${run.seconds.toFixed(1)} s, ${run.ownMiB} MiB`)
    }
  }
  const text = report(runs)
  console.log(text)
  if (values.write) writeFileSync(join(ROOT, 'bench', 'RESULTS.md'), text)
}

async function measure({ name, command }: Subject): Promise<Run> {
  for (const suffix of ['', '.raw', '.oem']) rmSync(output + suffix, { force: true })
  const [file = '', ...args] = command
  const startMs = performance.now()
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LIBGUESTFS_BACKEND_SETTINGS: process.env.LIBGUESTFS_BACKEND_SETTINGS ?? 'force_tcg' },
  })
  const ended = exitOf(child, name)
  const peak = await peakOfTree(child.pid ?? 0, ended)
  const seconds = (performance.now() - startMs) / 1000
  const writtenMiB = [output, `${output}.raw`]
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + (statSync(path).blocks * 512) / 2 ** 20, 0)
  return { ...peak, seconds, writtenMiB: Math.round(writtenMiB) }
}

async function exitOf(child: ChildProcess, name: string): Promise<void> {
  const [exitCode] = await once(child, 'exit')
  if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}`)
}

function lbzip2Version(): string {
  const said = spawnSync('lbzip2', ['--version'], { encoding: 'utf8' })
  return /lbzip2 version [\d.]+/.exec(`${said.stdout}${said.stderr}`)?.[0].replace(' version', '') ?? 'lbzip2'
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function report(runs: ReadonlyMap<string, readonly Run[]>): string {
  const of = (name: string, pick: (run: Run) => number): number => median((runs.get(name) ?? []).map(pick))
  const rows = SUBJECTS.map(({ name, against }) => {
    const seconds = of(name, (run) => run.seconds)
    const ratio = against === undefined ? '1.00' : (seconds / of(against, (run) => run.seconds)).toFixed(2)
    const qemu = of(name, (run) => run.qemuMiB)
    return `| ${name} | ${seconds.toFixed(1)} s | ${ratio} | ${of(name, (run) => run.ownMiB)} MiB | ${qemu === 0 ? '' : `${qemu} MiB`} | ${of(name, (run) => run.writtenMiB)} MiB |`
  })
  return [
    '# Results',
    '',
    `${new Date().toISOString().slice(0, 10)}, \`npm run bench -- --rounds ${values.rounds} --write\`: medians of interleaved rounds (${values.rounds}). Node ${process.version}, ${lbzip2Version()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, appliance without KVM. Full-size Container Linux image: 4 756 340 736 bytes, about 734 MB of files.`,
    '',
    'oem-bake also checks the partition table, reads the written image back, decodes it, compares every byte, and takes its SHA-256; by hand nothing is checked. Peak memory is that of the whole process tree (proportional set size, sampled every 50 ms), qemu apart. Kept on disk is what the result and the files that the way by hand leaves behind take.',
    '',
    '| | time | ratio | peak memory without qemu | of qemu | kept on disk |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '`./scripts/test-full test/full/memory.test.ts` fails when a full-size bake with the embedded engine takes more than 400 MB.',
    '',
  ].join('\n')
}

await main()
