/** Command line of make-image: `npm run make-image -- --distro flatcar --output flatcar.img`. */
import { parseArgs } from 'node:util'
import { OemBakeError, UsageError } from '#src/errors.js'
import { makeImage } from './make-image.js'
import { COMPRESSORS, DISTROS, FORMATS, LAYOUTS, OEM_SETS, SIZES, VARIANTS } from './options.js'

const HELP = `Builds a production-like Container Linux or Flatcar image from real parts. Needs no root.

  npm run make-image -- --output FILE [options]

  --distro    ${DISTROS.join('|')}   (default container-linux)
  --layout    ${LAYOUTS.join('|')}   partition table (default: the release's own)
  --release   X.Y.Z   (default 2512.3.0; Flatcar 3760.2.0, in layout B 4593.0.0)
  --variant   ${VARIANTS.join('|')}   (default base)
  --oem       ${OEM_SETS.join('|')}   vendor files on the OEM partition (default empty)
  --size      ${SIZES.join('|')}   how much data is in it; the disk length is upstream's either way (default small)
  --format    ${FORMATS.join('|')}   (default raw)
  --compress  ${COMPRESSORS.join('|')}   (default none)
  --seed      N   same seed and options, same bytes, but for a btrfs USR-A (default 1)
  --output    FILE
  --force     replace an existing file
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      distro: { type: 'string', default: 'container-linux' },
      layout: { type: 'string' },
      release: { type: 'string' },
      variant: { type: 'string' },
      oem: { type: 'string' },
      size: { type: 'string' },
      format: { type: 'string' },
      compress: { type: 'string' },
      seed: { type: 'string' },
      output: { type: 'string' },
      force: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) {
    process.stdout.write(HELP)
    return
  }
  if (values.output === undefined)
    throw new UsageError('ERR_USAGE', 'no output was named', { hint: 'add --output FILE' })
  const made = await makeImage({
    distro: choice('distro', values.distro, DISTROS) ?? 'container-linux',
    layout: choice('layout', values.layout, LAYOUTS),
    release: values.release,
    variant: choice('variant', values.variant, VARIANTS),
    oem: choice('oem', values.oem, OEM_SETS),
    size: choice('size', values.size, SIZES),
    format: choice('format', values.format, FORMATS),
    compress: choice('compress', values.compress, COMPRESSORS),
    seed: values.seed === undefined ? undefined : Number(values.seed),
    output: values.output,
    force: values.force,
    report: (line) => console.error(line),
  })
  console.log(made.path)
}

function choice<T extends string>(name: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) {
    throw new UsageError('ERR_USAGE', `--${name} is one of ${allowed.join(', ')}, found '${value}'`)
  }
  return found
}

main().catch((error: unknown) => {
  // parseArgs reports its own mistakes as TypeErrors with a code.
  const message = error instanceof Error ? error.message : String(error)
  console.error(`error: ${message}`)
  if (error instanceof OemBakeError && error.hint !== undefined) console.error(`hint: ${error.hint}`)
  process.exitCode = error instanceof OemBakeError ? error.exitCode : error instanceof TypeError ? 2 : 1
})
