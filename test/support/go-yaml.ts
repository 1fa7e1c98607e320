/** Judge: Debian's go-yaml, versions 2 and 3, through a small Go program that decodes into fields of given types. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { KeyType } from '#src/oem/cloud-config/keys.js'
import { temporaryDirectory } from './temp.js'

export interface GoVerdict {
  /** `type`: some value does not fit its field, and was left out; `syntax`: nothing was read. */
  readonly verdict: 'taken' | 'type' | 'syntax'
  readonly why?: string
  readonly value: unknown
}

export interface GoReading {
  readonly v2: GoVerdict
  readonly v3: GoVerdict
}

const SOURCE = new URL('go-yaml/main.go', import.meta.url)

let built: Promise<string> | undefined

/** @returns one reading a document, in their order */
export async function readWithGo(type: KeyType, documents: readonly string[]): Promise<readonly GoReading[]> {
  built ??= build()
  const lines = [type, ...documents].map((value) => JSON.stringify(value)).join('\n')
  const { stdout } = await execa(await built, { input: `${lines}\n`, timeout: 100_000, maxBuffer: 1 << 30 })
  return stdout.split('\n').map((line) => JSON.parse(line) as GoReading)
}

/** Debian puts Go libraries as source where GOPATH finds them; no module is fetched. */
async function build(): Promise<string> {
  const directory = temporaryDirectory()
  const program = join(directory, 'go-yaml')
  await execa('go', ['build', '-o', program, fileURLToPath(SOURCE)], {
    env: { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(directory, 'go-cache'), GOFLAGS: '' },
    timeout: 100_000,
  })
  return program
}
