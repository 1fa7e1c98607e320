/**
 * The bzip2 programs that a machine may have, best first, and how each is asked.
 *
 * lbzip2 uses every core both ways, pbzip2 both ways for its own files and only for encoding otherwise, bzip2 one core.
 * All write the whole format; lbzip2 is what CoreOS's and Flatcar's own release scripts compress with
 * (flatcar/scripts build_library/release_util.sh).
 */
import { availableParallelism } from 'node:os'
import { findProgram } from '../../command.js'
import { UnsupportedError } from '../../errors.js'
import type { RunContext } from '../../progress.js'

export type Bzip2ProgramName = 'lbzip2' | 'pbzip2' | 'bzip2'

export interface Bzip2Program {
  readonly name: Bzip2ProgramName
  /** Absolute path. */
  readonly path: string
  readonly decodeArgs: readonly string[]
  encodeArgs(level: number): readonly string[]
}

/**
 * lbzip2 takes about 18 MB a thread for decoding and 9 for encoding (measured 2026-11, lbzip2 2.5): with more threads
 * than this, a bake would need over 400 MB on a big machine, and a disk that keeps up is rare.
 */
const THREADS_MAX = 16

const threads = (): string => String(Math.min(availableParallelism(), THREADS_MAX))

const PROGRAMS: readonly Omit<Bzip2Program, 'path'>[] = [
  {
    name: 'lbzip2',
    decodeArgs: ['-dc', '-n', threads()],
    encodeArgs: (level) => ['-zc', `-${level}`, '-n', threads()],
  },
  {
    name: 'pbzip2',
    decodeArgs: ['-dc', `-p${threads()}`],
    encodeArgs: (level) => ['-zc', `-${level}`, `-p${threads()}`],
  },
  { name: 'bzip2', decodeArgs: ['-dc'], encodeArgs: (level) => ['-zc', `-${level}`] },
]

/** The programs that are here, best first. */
export async function findBzip2Programs(context: RunContext): Promise<readonly Bzip2Program[]> {
  const found: Bzip2Program[] = []
  for (const program of PROGRAMS) {
    const path = await findProgram(program.name, context.env)
    if (path !== undefined) found.push({ ...program, path })
  }
  return found
}

/** @throws ERR_COMPRESSOR_MISSING when no program can write bzip2 */
export function chooseEncoder(programs: readonly Bzip2Program[]): Bzip2Program {
  const [best] = programs
  if (best !== undefined) return best
  throw new UnsupportedError(
    'ERR_COMPRESSOR_MISSING',
    'the image is bzip2, and no program here can write bzip2: looked for lbzip2, pbzip2 and bzip2',
    {
      hint: 'Debian/Ubuntu: sudo apt-get install lbzip2\nFedora: sudo dnf install lbzip2',
    },
  )
}
