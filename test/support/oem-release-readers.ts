/**
 * The programs that read oem-release on a machine, done again with real shells and tools: what a file means to each of
 * them, or that it ends them (coreos-install and flatcar-install, update_engine_stub, flatcar-postinst). Many files at
 * once, for starting a shell takes longer than reading one.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OEM_RELEASE_KEYS } from '#src/oem/oem-release/oem-release.js'

export type Values = Readonly<Record<string, string>>

/** What a file is to its readers; undefined where one stops. */
export interface Understood {
  readonly values: readonly (Values | undefined)[]
  /** The ID as Flatcar's updater gets it. */
  readonly id: string | undefined
}

const END_OF_VALUE = '\u0001'
const END_OF_FILE = '\u0002'
const PRINT = OEM_RELEASE_KEYS.map((key) => `printf '%s${END_OF_VALUE}' "\${OEM_${key}-}"`).join('; ')
/** All of it at once, with OEM_ before each line. */
const WHOLE = `eval "$(sed 's/^/OEM_/' "$file")" >/dev/null; ${PRINT}`
/** The same, line by line. */
const BY_LINE = `while IFS= read -r line; do eval "OEM_$line" >/dev/null; done <"$file"; ${PRINT}`
const CUT = `grep '^ID=' "$file" | cut -d = -f 2`

function run(shell: string, script: string, directory: string, count: number): readonly (string | undefined)[] {
  const loop = `n=0; while [ $n -lt ${count} ]; do file=${directory}/$n
(set -e; ${script}) </dev/null
printf '%s${END_OF_FILE}' $?; n=$((n + 1)); done`
  const output = execFileSync(shell, ['-c', loop], {
    encoding: 'utf8',
    // Whatever a value makes a shell look up is not there.
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const results = output.split(END_OF_FILE).slice(0, -1)
  if (results.length !== count) throw new Error(`${shell} read ${results.length} files of ${count}`)
  return results.map((result) => {
    const [, text, status] = /^(.*?)(\d{1,3})$/s.exec(result) ?? []
    return status === '0' ? text : undefined
  })
}

export function readByAll(texts: readonly string[]): readonly Understood[] {
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-readers-'))
  try {
    for (const [index, text] of texts.entries()) writeFileSync(join(directory, `${index}`), text)
    const readers = ['sh', 'bash'].flatMap((shell) =>
      [WHOLE, BY_LINE].map((script) => run(shell, script, directory, texts.length)),
    )
    const ids = run('sh', CUT, directory, texts.length)
    return texts.map((_, index) => ({
      values: readers.map((results) => valuesFrom(results[index])),
      id: ids[index]?.replace(/\n$/, ''),
    }))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function valuesFrom(output: string | undefined): Values | undefined {
  const values = output?.split(END_OF_VALUE)
  if (values === undefined) return undefined
  return Object.fromEntries(OEM_RELEASE_KEYS.map((key, index) => [key, values[index] ?? '']))
}
