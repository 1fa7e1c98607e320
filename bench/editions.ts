/**
 * What many editions from one image cost: ten in one run, against one bake, ten bakes, and ten plain copies.
 *
 *     npm run bench -- editions [--image FILE.bz2] [--rounds 5]
 *
 * Whole processes, in turns, the median of several rounds. The target is that ten editions take at most as long as one bake and
 * ten times `cp --reflink=never` with fsync; exit code 1 when it is missed. The image's digest lies beside it and its block map
 * is in the cache, as in the second of somebody's runs: there a bake takes least, so the target is the hardest. Without `--image`
 * the image of `npm run bench` is taken, or made first.
 */
import { join, resolve } from 'node:path'
import { BENCH_IMAGES, imagePath, placeImage } from './images.js'
import { describeMachine } from './machine.js'
import { cleanUp, measure } from './measure.js'
import { CLI, WORK } from './paths.js'
import { median } from './results.js'

const TEMPLATES = 'azure brightbox cloudstack digitalocean ec2 exoscale gce openstack packet rackspace'.split(' ')
const OURS = [process.execPath, CLI]

async function original(image: string | undefined): Promise<string> {
  if (image !== undefined) return resolve(image)
  const wanted = BENCH_IMAGES.find(({ id }) => id === 'lbzip2')
  if (wanted === undefined) throw new Error('there is no image lbzip2')
  await placeImage(wanted)
  return imagePath(wanted, 'digest')
}

/** @param image by its path; found or made when undefined */
export async function benchEditions(rounds: number, image: string | undefined): Promise<boolean> {
  const input = await original(image)
  const directory = join(WORK, 'editions')
  const bakeOf = (template: string): readonly string[] => [
    ...OURS,
    input,
    '-t',
    template,
    '-q',
    '--output-dir',
    directory,
  ]
  const inTurn = (commands: readonly (readonly string[])[]): readonly string[] => [
    ...['bash', '-ec', `mkdir -p '${directory}'\n${commands.map((words) => words.map(quote).join(' ')).join('\n')}`],
  ]
  const copies = TEMPLATES.flatMap((name) => {
    const copy = join(directory, name)
    return [
      ['cp', '--reflink=never', input, copy],
      ['sync', copy],
    ]
  })
  const subjects = {
    'one bake': inTurn([bakeOf('rackspace')]),
    'ten editions in one run': inTurn([
      [...OURS, input, ...TEMPLATES.flatMap((name) => ['-t', name]), '-q', '--output-dir', directory],
    ]),
    'ten bakes': inTurn(TEMPLATES.map(bakeOf)),
    'ten times cp + fsync': inTurn(copies),
  }
  const seconds = new Map<string, number[]>()
  for (let round = 0; round <= rounds; round++)
    for (const [name, command] of Object.entries(subjects)) {
      const run = await measure(name, command, false)
      // The first round fills the page cache and ours.
      if (round > 0) seconds.set(name, [...(seconds.get(name) ?? []), run.seconds])
    }
  cleanUp()
  const of = (name: keyof typeof subjects): number => median(seconds.get(name) ?? [])
  const [one, editions, ten, copied] = [
    of('one bake'),
    of('ten editions in one run'),
    of('ten bakes'),
    of('ten times cp + fsync'),
  ]
  console.log(`${describeMachine()}\n`)
  for (const name of seconds.keys()) {
    const own = median(seconds.get(name) ?? [])
    console.log(`${name.padEnd(26)} ${own.toFixed(2).padStart(7)} s ${(own / one).toFixed(2).padStart(7)} × one bake`)
  }
  const ratio = editions / (one + copied)
  console.log(`\nten editions: ${(editions / ten).toFixed(2)} × ten bakes`)
  console.log(`ten editions: ${ratio.toFixed(2)} × (one bake + ten times cp + fsync), target at most 1`)
  return ratio <= 1
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
