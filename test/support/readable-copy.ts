/** The built program where any user can read it: the checkout itself may lie below a closed home directory. */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKOUT } from './command-line.js'

/** `nobody` on every Linux. */
export const UNPRIVILEGED_UID = 65534

/** @returns a directory with dist/, the templates and all that the program needs at run time */
export function readableCopy(parent: string): string {
  const copy = join(parent, 'checkout')
  mkdirSync(copy)
  const lock: { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> } = JSON.parse(
    readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8'),
  )
  const dependencies = Object.entries(lock.packages)
    .filter(([name, { dev }]) => name !== '' && dev !== true)
    .map(([name]) => name)
    // A package that lies within another comes with it.
    .filter((name) => name.lastIndexOf('node_modules/') === 0)
  for (const name of ['dist', 'oem-templates', 'package.json', ...dependencies])
    cpSync(join(CHECKOUT, name), join(copy, name), { recursive: true, dereference: true })
  execFileSync('chmod', ['-R', 'a+rX', copy])
  chmodSync(parent, 0o755)
  return copy
}
