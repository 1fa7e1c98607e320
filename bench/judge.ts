/**
 * Programs that we did not write look at what we wrote: nothing here calls oem-bake's own code.
 *
 * Each output is tested and decoded by bzip2, lbzip2 and pbzip2. A raw disk is compared by its digest without the OEM
 * partition. A qcow2 goes through `qemu-img check`, then both disks are written out raw, the OEM partition is punched out
 * of either, and `qemu-img compare` has to find them identical.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Decoded, decode } from './decoded.js'
import { type BenchImage, sha256Of } from './images.js'
import { cleanUp } from './measure.js'
import { WORK } from './paths.js'
import { run } from './programs.js'
import { keptOutput } from './rounds.js'
import { nameOf, type OurSubject } from './subjects.js'

const PROGRAMS = ['bzip2', 'lbzip2', 'pbzip2'] as const

export interface ImageVerdict {
  readonly image: BenchImage
  /** What the input decodes to. */
  readonly input: Decoded
  /** Outputs that were looked at. */
  readonly outputs: number
  /** Empty when nobody had anything to say. */
  readonly problems: readonly string[]
}

/** Judges the first outputs of an image. Those of equal bytes are looked at once. */
export async function judgeImage(image: BenchImage, subjects: readonly OurSubject[]): Promise<ImageVerdict> {
  const [first] = subjects
  if (first === undefined) throw new Error(`${image.title}: nothing to judge`)
  cleanUp()
  const input = await decode('lbzip2', first.input, image.oem)
  const known = new Map<string, readonly string[]>()
  const problems: string[] = []
  for (const subject of subjects) {
    console.error(
      `${nameOf(subject)}: judged by bzip2, lbzip2, pbzip2${image.content.kind === 'raw' ? '' : ', qemu-img'}`,
    )
    const output = keptOutput(subject)
    const sha256 = await sha256Of(output)
    const found = known.get(sha256) ?? (await problemsOf(image, subject.input, output, input))
    known.set(sha256, found)
    problems.push(...found.map((problem) => `${nameOf(subject)}: ${problem}`))
  }
  cleanUp()
  return { image, input, outputs: subjects.length, problems }
}

async function problemsOf(
  image: BenchImage,
  inputPath: string,
  outputPath: string,
  input: Decoded,
): Promise<readonly string[]> {
  const problems: string[] = []
  const judged = async (check: () => Promise<string | undefined>): Promise<void> => {
    const problem = await check().catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    if (problem !== undefined) problems.push(problem)
  }
  const digests = new Set<string>()
  const checks = PROGRAMS.map((program) =>
    judged(async () => {
      await run(program, ['-t', outputPath])
      const output = await decode(program, outputPath, image.oem)
      digests.add(output.sha256)
      if (image.content.kind === 'raw' && output.sha256Outside !== input.sha256Outside)
        return `${program} decodes it to something else outside the OEM partition`
      return undefined
    }),
  )
  await Promise.all(checks)
  if (digests.size > 1) problems.push('the programs decode it to different bytes')
  if (digests.has(input.sha256)) problems.push('it decodes to what the input decodes to: nothing was baked')
  if (image.content.kind === 'qcow2') await judged(() => compareDisks(image, inputPath, outputPath))
  return problems
}

async function compareDisks(image: BenchImage, inputPath: string, outputPath: string): Promise<undefined> {
  const before = await outsideOem(image, inputPath, join(WORK, 'before'))
  const after = await outsideOem(image, outputPath, join(WORK, 'after'))
  await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', before, after])
  for (const disk of [before, after]) rmSync(disk)
}

/** The virtual disk as a raw file, with a hole where the OEM partition is. */
async function outsideOem({ oem }: BenchImage, packed: string, target: string): Promise<string> {
  const decoded = `${target}.qcow2`
  await run('bash', ['-c', 'lbzip2 -dc "$0" > "$1"', packed, decoded])
  await run('qemu-img', ['check', '-f', 'qcow2', decoded])
  await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', decoded, target])
  rmSync(decoded)
  const range = ['--offset', String(oem.offset), '--length', String(oem.length)]
  await run('fallocate', ['--punch-hole', ...range, target])
  return target
}
