/**
 * What is measured on each image: ours in the ways that it can know an image's blocks, what a user would do by hand, and the
 * least that could be done, a copy and a digest.
 *
 * By hand means: decompress, write the five files of the template with debugfs, compress again, all on the fastest route
 * that we know (holes are kept, nothing is cut out, no root); a qcow2 goes through qemu-img both ways.
 */
import { join } from 'node:path'
import { BENCH_IMAGES, type BenchImage, imagePath } from './images.js'
import { CLI, OUTPUT, ROOT, WORK } from './paths.js'

export const WAYS = [
  'by hand, lbzip2',
  'by hand, bzip2',
  'oem-bake, tail',
  'oem-bake, full',
  'oem-bake, cached',
  'cp + fsync',
  'sha256sum',
] as const
export type Way = (typeof WAYS)[number]

/** How our runs find the blocks; each report must say the same. */
export type Index = 'tail' | 'full' | 'cached'

/** `long` once a round, `short` several times, `slow` once in all. */
export type Pace = 'long' | 'short' | 'slow'

interface Common {
  readonly image: BenchImage
  readonly way: Way
  readonly pace: Pace
  readonly command: readonly string[]
}

export interface OurSubject extends Common {
  readonly kind: 'ours'
  readonly index: Index
  /** What the output is an edition of. */
  readonly input: string
}

export type Subject = OurSubject | (Common & { readonly kind: 'peer' })

export function nameOf({ image, way }: Pick<Subject, 'image' | 'way'>): string {
  return `${image.title}: ${way}`
}

export function allSubjects(): readonly Subject[] {
  return BENCH_IMAGES.flatMap(subjectsOf)
}

function subjectsOf(image: BenchImage): readonly Subject[] {
  const input = imagePath(image, 'bare')
  const peer = (way: Way, pace: Pace, script: string): Subject => ({
    kind: 'peer',
    image,
    way,
    pace,
    command: ['bash', '-eo', 'pipefail', '-c', script],
  })
  const subjects: readonly Subject[] = [
    peer('by hand, lbzip2', 'long', byHand(image, input, 'lbzip2')),
    ours(image, 'full', 'long'),
    ours(image, 'cached', 'short'),
    peer('cp + fsync', 'short', `cp ${input} ${OUTPUT}; sync ${OUTPUT}`),
    peer('sha256sum', 'short', `sha256sum ${input} > ${OUTPUT}`),
  ]
  // A qcow2 does not say at its beginning how long its file is, so there is no way from its end.
  if (image.content.kind === 'qcow2') return subjects
  const tail = ours(image, 'tail', 'short')
  if (image.options.compress !== 'bzip2') return [...subjects, tail]
  return [peer('by hand, bzip2', 'slow', byHand(image, input, 'bzip2')), ...subjects, tail]
}

function ours(image: BenchImage, index: Index, pace: Pace): OurSubject {
  const input = imagePath(image, index === 'full' ? 'bare' : 'digest')
  const cache = index === 'cached' ? [] : ['--no-cache']
  const flags = ['--template', 'rackspace', '--engine', 'embedded', ...cache, '--json', '--output', OUTPUT]
  const command = [process.execPath, CLI, input, ...flags]
  return { kind: 'ours', image, way: `oem-bake, ${index}`, pace, command, index, input }
}

function byHand(image: BenchImage, input: string, codec: 'lbzip2' | 'bzip2'): string {
  const decoded = join(WORK, 'decoded')
  const disk = image.content.kind === 'raw' ? decoded : join(WORK, 'disk')
  const lines = [
    `${codec} -dc ${input} | dd of=${decoded} bs=1M iflag=fullblock conv=sparse status=none`,
    ...(image.content.kind === 'raw' ? [] : [`qemu-img convert -f qcow2 -O raw ${decoded} ${disk}`]),
    editByHand(disk, image.oem.offset),
  ]
  if (image.content.kind === 'raw') return [...lines, compressed(codec, disk)].join('\n')
  const clusters = image.content.clusters === 'compressed' ? '-c' : ''
  const edited = join(WORK, 'edited')
  const convert = `qemu-img convert -f raw -O qcow2 ${clusters} -o compat=0.10 ${disk} ${edited}`
  return [...lines, convert, compressed(codec, edited)].join('\n')
}

function compressed(codec: string, file: string): string {
  return `${codec} -zc ${file} > ${OUTPUT}; sync ${OUTPUT}`
}

/** debugfs says nothing with its exit code, so the files are asked for afterwards. */
function editByHand(disk: string, offsetBytes: number): string {
  const template = join(ROOT, 'oem-templates', 'rackspace')
  const filesystem = `'${disk}?offset=${offsetBytes}'`
  const edits = [
    ['base/default.ign', 'base/default.ign'],
    ['bin/setup-environment', 'bin/coreos-setup-environment'],
    ['cloud-config.yml', 'cloud-config.yml'],
    ['grub.cfg', 'grub.cfg'],
    ['oem-release.yml', 'oem-release'],
  ].map(([source, name]) => `rm ${name}\nwrite ${join(template, String(source))} ${name}`)
  return `debugfs -w -f - ${filesystem} > /dev/null 2>&1 <<'EDITS'
mkdir base
mkdir bin
${edits.join('\n')}
EDITS
debugfs -R 'cat cloud-config.yml' ${filesystem} 2> /dev/null | cmp - ${join(template, 'cloud-config.yml')}`
}
