/**
 * Debian's ignition-validate (package `ignition`, 2.14), which judges configs of specs 3.0.0 to 3.3.0 as Ignition does at
 * boot.
 */
import { execFile } from 'node:child_process'

export interface JudgedConfig {
  readonly accepted: boolean
  readonly says: string
}

export function ignitionValidate(text: string): Promise<JudgedConfig> {
  return new Promise((resolve, reject) => {
    const child = execFile('ignition-validate', ['-'], (error, stdout, stderr) => {
      if (error !== null && error.code !== 1) reject(error)
      else resolve({ accepted: error === null, says: `${stdout}${stderr}`.trim() })
    })
    child.stdin?.end(text)
  })
}
