/**
 * The users of a cloud-config. Sources: coreos-cloudinit config/user.go, initialize/config.go, system/user.go; crypt(5).
 */
import type { Finding } from '../finding.js'
import type { YamlNode } from '../yaml-tree.js'
import { itemsOf, scalarOf } from './fields.js'
import { CLOUD_CONFIG_RULES } from './rules.js'

/** `$id$…` of crypt(5), its traditional form, or no password at all: `*`, `!`, both also before a hash to lock it. */
const HASH = /^(?:[!*]*(?:\$[a-z0-9]{1,8}\$\S+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13})|[!*]+)$/
/** What useradd takes. */
const USER_NAME = /^[a-z_][a-z0-9_-]{0,30}\$?$/

export function checkUsers(root: YamlNode, file: string): readonly Finding[] {
  return itemsOf(root, 'users').flatMap((user) => {
    if (user.kind !== 'mapping') return []
    const findings: Finding[] = []
    const name = scalarOf(user, 'name')
    if (name === undefined) {
      findings.push(
        CLOUD_CONFIG_RULES.found('cloud-config-user-name', 'a user without a name is skipped', {
          place: { file, ...user.at },
          hint: 'give it a name',
        }),
      )
    } else if (!USER_NAME.test(name.text)) {
      findings.push(
        CLOUD_CONFIG_RULES.found(
          'cloud-config-user-name',
          `useradd of most releases refuses the name ${JSON.stringify(name.text.slice(0, 40))}, and then the rest is not applied`,
          {
            place: { file, ...name.at },
            // Newer versions take more than older ones.
            severity: 'warning',
            hint: 'use lower-case letters, digits, - and _; at most 31 of them',
          },
        ),
      )
    }
    const password = scalarOf(user, 'passwd')
    if (password !== undefined && !HASH.test(password.text)) {
      findings.push(
        CLOUD_CONFIG_RULES.found(
          'cloud-config-passwd',
          `passwd of ${name?.text ?? 'this user'} is no hash: nobody can log in with it, and everybody can read it`,
          { place: { file, ...password.at }, hint: 'make a hash with mkpasswd --method=SHA-512' },
        ),
      )
    }
    return findings
  })
}
