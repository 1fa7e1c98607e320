import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A directory for one test file, removed when the file is done. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
