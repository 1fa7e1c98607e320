/** Digest files, read by the programs that they are for. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatDigests, formatSha256File } from '#src/publish/checksums.js'
import { parseDigests } from '#src/trust/digests.js'
import { digestsOf } from '../support/digests.js'
import { temporaryDirectory } from '../support/temp.js'

const root = temporaryDirectory()
const NAMES = ['image.bin', 'with blank.img', 'back\\slash.img', 'line\nfeed.img', 'ünïcödé.img', '*star', '-dash']

function place(name: string): string {
  const directory = mkdtempSync(join(root, 'files-'))
  writeFileSync(join(directory, name), 'content')
  writeFileSync(join(directory, 'other'), 'another')
  return directory
}

describe.each(NAMES)('digests of %j', (name) => {
  const { sha256, sha512 } = digestsOf(Buffer.from('content'))

  it('are what sha256sum writes, checks and what we read ourselves', () => {
    const directory = place(name)
    const text = formatSha256File({ name, hex: sha256 })
    expect(text).toBe(execFileSync('sha256sum', ['--', name], { cwd: directory, encoding: 'utf8' }))
    execFileSync('sha256sum', ['--check', '--strict'], { cwd: directory, input: text })
    expect(parseDigests(text, 'sha256')).toEqual([{ algorithm: 'sha256', hex: sha256, name, line: 1 }])
  })

  it('are checked by sha512sum, as a whole and in the fashion of who reads the vendors’ files', () => {
    const directory = place(name)
    const other = { name: 'other', hex: digestsOf(Buffer.from('another')).sha512 }
    const text = formatDigests([{ name, hex: sha512 }, other])
    execFileSync('sha512sum', ['--check', '--strict'], { cwd: directory, input: text })
    writeFileSync(join(directory, 'DIGESTS'), text)
    const vendors = 'set -o pipefail; grep -A1 SHA512 DIGESTS | sha512sum --check'
    const said = execFileSync('bash', ['-c', vendors], { cwd: directory, encoding: 'utf8' })
    expect(said.trimEnd().split('\n')).toHaveLength(1)
    expect(parseDigests(text).map(({ name: named }) => named)).toEqual([name, 'other'])
  })
})
