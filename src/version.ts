/**
 * What this program is called and which version it is: for `--version`, manifests and provenance.
 */
import { readFileSync } from 'node:fs'
import { installedFile } from './installation.js'

export const PROGRAM = 'oem-bake'

let version: string | undefined

/** As package.json has it. */
export function ownVersion(): string {
  version ??= readVersion()
  return version
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(installedFile('../package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
