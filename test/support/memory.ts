/** A directory in memory where the system has one: for tests that write and sync thousands of files. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const SHARED_MEMORY = '/dev/shm'

export function memoryParent(): string {
  return existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir()
}

/** For one test file, removed when the file is done. */
export function memoryDirectory(): string {
  const directory = mkdtempSync(join(memoryParent(), 'oem-bake-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
