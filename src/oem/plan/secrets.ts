/**
 * Secrets in files that every user of the machine can read, told by the shapes that private keys and tokens have.
 *
 * OEM files are 0644 as a rule, and an image goes to everybody who may start it. What is found is never quoted: an error
 * message ends up in logs. Sources: RFC 7468 and openssh PROTOCOL.key for keys, each provider's own documentation for
 * tokens. Left out: what is encoded, as in data URLs and gzip.
 */
import type { Finding } from '../finding.js'
import { TREE_RULES } from './rules.js'
import { formatMode, placeAt, type TreeFile } from './tree-file.js'

interface Shape {
  readonly what: string
  readonly pattern: RegExp
}

/** Each in a time that grows as the text does: what may be long begins in few places, or has a bound. */
const SHAPES: readonly Shape[] = [
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----/ },
  { what: 'a PuTTY private key', pattern: /^PuTTY-User-Key-File-\d/m },
  { what: 'an AWS access key', pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/ },
  {
    what: 'an AWS secret key',
    pattern: /aws_?secret_?(?:access_?)?key["']?\s*[=:]\s*["']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/i,
  },
  { what: 'a Google API key', pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/ },
  { what: 'an Azure storage key', pattern: /AccountKey=[A-Za-z0-9+/]{86}==/ },
  { what: 'a GitHub token', pattern: /(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})/ },
  { what: 'a GitLab token', pattern: /(?<![\w-])glpat-[\w-]{20,}/ },
  { what: 'a Slack token', pattern: /(?<![\w-])xox[abeoprs]-[A-Za-z0-9-]{10,}/ },
  { what: 'a signed token (JWT)', pattern: /(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/ },
  // A reference, a placeholder or a hash is no password: those begin with a sign.
  {
    what: 'a password in an address',
    pattern: /(?<![\w-])[a-z][a-z0-9+.-]{0,40}:\/\/[^\s/:@"'<>${}]+:[^\s/:@"'<>${}%*]{3,}@[\w.[]/i,
  },
  {
    what: 'a password',
    pattern:
      /(?<![A-Za-z])(?:(?<![A-Za-z0-9]|[A-Za-z0-9][_-])(?:[A-Za-z0-9]+[_-])+)?(?:password|passphrase)["']?[ \t]*[=:][ \t]*["']?[A-Za-z0-9][^\s"'$<>{}]{3,}/i,
  },
]

/** Words that stand where a password would, and are none. */
const NO_PASSWORD = /[=:][ \t]*["']?(?:none|null|true|false|prompt|prohibit\S*|disabled|required|optional)\b/i

/** Of variables that templates declare; these words say it themselves. */
const SECRET_NAME = /(?:^|_)(?:password|passwd|passphrase|secret|token|api_?key|private_?key|credentials?)(?:$|_)/i

const READABLE_BY_ALL = 0o004

/** Whether a value has the shape of a secret, or a name under which one is kept. */
export function looksSecret(name: string, value: string): boolean {
  const text = `${name}=${value}`
  return SHAPES.some(({ pattern }) => pattern.test(text) || pattern.test(value)) || SECRET_NAME.test(name)
}

/** The key that Vagrant's documentation publishes, as RSA and as Ed25519; a piece of each is enough to tell. */
const VAGRANT_KEY =
  /AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr|AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/
const IS_VAGRANT = /^vagrant/

export function checkSecrets(files: readonly TreeFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const { isWritten, mode, text } = file
    if (!isWritten || text === undefined || (mode & READABLE_BY_ALL) === 0) return []
    return SHAPES.flatMap(({ pattern, what }) => {
      const match = pattern.exec(text)
      if (match === null || (what === 'a password' && NO_PASSWORD.test(match[0]))) return []
      return [
        TREE_RULES.found(
          'secret-readable',
          `looks like ${what}, and mode ${formatMode(mode)} lets every user of the machine read it; so can everyone who has the image`,
          {
            place: placeAt(file, match.index),
            hint: 'fetch secrets when the machine starts instead of baking them; mode 0600 keeps other users out',
          },
        ),
      ]
    })
  })
}

/** Anybody can log in with a key whose other half is in every copy of Vagrant. */
export function checkInsecureKey(files: readonly TreeFile[], oemId: string | undefined): readonly Finding[] {
  return files.flatMap((file) => {
    const match = file.text === undefined ? null : VAGRANT_KEY.exec(file.text)
    if (match === null) return []
    const isMeant = IS_VAGRANT.test(oemId ?? '') || !file.isWritten
    return [
      TREE_RULES.found(
        'insecure-key',
        "this is Vagrant's public insecure key, whose private half everybody has: whoever reaches the machine can log in",
        {
          place: placeAt(file, match.index),
          hint: 'leave it out of images that others start',
          ...(isMeant ? { severity: 'note' } : {}),
        },
      ),
    ]
  })
}
