/**
 * `$private_ipv4` and its siblings, which coreos-cloudinit replaces in the raw text before it parses: in comments and
 * scripts, too. The unit that applies the OEM file has no EnvironmentFile, so there they become nothing.
 *
 * Sources: coreos-cloudinit initialize/env.go, units/system-cloudinit@.service.
 */
import type { Finding } from '../finding.js'
import { CLOUD_CONFIG_RULES } from './rules.js'

/** A backslash before it keeps it, and goes away itself. */
const VARIABLE = /(?<!\\)\$(?:public|private)_ipv[46]/g

export function checkSubstitutions(text: string, file: string): readonly Finding[] {
  return text.split(/\r\n?|\n/).flatMap((line, index) =>
    [...line.matchAll(VARIABLE)].map((match) => {
      const [variable] = match
      const environment = `COREOS_${variable.slice(1).toUpperCase()}`
      return CLOUD_CONFIG_RULES.found(
        'cloud-config-substitution',
        `${variable} becomes an empty string in the OEM cloud-config, even in comments`,
        {
          place: { file, line: index + 1, column: match.index + 1 },
          hint: `in a unit read ${environment} from EnvironmentFile=/etc/environment; to have the very text write \\${variable}`,
        },
      )
    }),
  )
}
