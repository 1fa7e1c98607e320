/** Secrets are told by their shape, and never repeated. */
import { describe, expect, it } from 'vitest'
import { checkSecrets } from '#src/oem/plan/secrets.js'
import type { TreeFile } from '#src/oem/plan/tree-file.js'

const file = (text: string, more: Partial<TreeFile> = {}): TreeFile => ({
  path: '/agent.conf',
  source: 'agent.conf',
  mode: 0o644,
  isWritten: true,
  text,
  ...more,
})
const letters = (count: number) => 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789'.repeat(4).slice(0, count)
const upper = 'ABCDEFGHIJKLMNOP'
const dashes = '-'.repeat(5)

/** Made up by us, in the shape that its maker documents. */
const SECRETS: readonly (readonly [string, string, string])[] = [
  ['a private key', `${dashes}BEGIN RSA PRIVATE KEY${dashes}\nMIIE`, 'MIIE'],
  ['a private key', `${dashes}BEGIN PRIVATE KEY${dashes}\nMIIE`, 'MIIE'],
  ['a private key', `{"private_key":"${dashes}BEGIN PRIVATE KEY${dashes}\\nMIIE"}`, 'MIIE'],
  ['a private key', `  ${dashes}BEGIN OPENSSH PRIVATE KEY${dashes}\n  b3Bl`, 'b3Bl'],
  ['a private key', `${dashes}BEGIN PGP PRIVATE KEY BLOCK${dashes}\nlQdG`, 'lQdG'],
  ['a PuTTY private key', 'PuTTY-User-Key-File-3: ssh-ed25519\nabcd', 'abcd'],
  ['an AWS access key', `key=AKIA${upper}`, upper],
  ['an AWS secret key', `AWS_SECRET_ACCESS_KEY=${letters(40)}`, letters(40)],
  ['an AWS secret key', `aws_secret_access_key: '${letters(40)}'`, letters(40)],
  ['a Google API key', `key: AIza${letters(35)}`, letters(35)],
  ['an Azure storage key', `AccountName=x;AccountKey=${letters(86)}==;`, letters(86)],
  ['a GitHub token', `ghp_${letters(36)}`, letters(36)],
  ['a GitHub token', `github_pat_${letters(22)}_x`, letters(22)],
  ['a GitLab token', `glpat-${letters(20)}`, letters(20)],
  ['a Slack token', `xoxb-${letters(24)}`, letters(24)],
  ['a signed token (JWT)', `Bearer eyJ${letters(20)}.eyJ${letters(30)}.${letters(40)}`, letters(40)],
  ['a password in an address', 'https://agent:hunter22@repo.example/x', 'hunter22'],
  ['a password', 'DB_PASSWORD=hunter22', 'hunter22'],
  ['a password', 'etcd_password: "hunter22"', 'hunter22'],
  ['a password', '{"password": "hunter22"}', 'hunter22'],
  ['a password', 'ExecStart=/bin/agent --password=hunter22', 'hunter22'],
]

describe('a secret', () => {
  it.each(SECRETS)('that is %s is found on its line, and not quoted: %s', (what, text, secret) => {
    const found = checkSecrets([file(`first line\n${text}\n`)])
    expect(found.map(({ message }) => message)).toEqual([expect.stringContaining(`looks like ${what}, `)])
    expect(found[0]?.place?.line).toBe(2)
    expect(JSON.stringify(found)).not.toContain(secret)
  })

  it.each([
    ['is not world-readable', { mode: 0o600 }],
    ['was there before', { isWritten: false }],
  ])('is left alone in a file that %s', (_, more) => {
    expect(checkSecrets([file('password=hunter22', more)])).toEqual([])
  })
})

it.each([
  'PasswordAuthentication no',
  'PermitRootLogin prohibit-password',
  'password=$PASSWORD',
  `password=\${PASSWORD}`,
  'password = <yours>',
  'password: "%s"',
  'passwordHash: $6$salt$hash',
  'password: none',
  'password: [a, b]',
  'etcd_password:',
  'https://user@host/',
  'https://$USER:$PASSWORD@host/',
  'http://host:8080/a@b',
  `${dashes}BEGIN PUBLIC KEY${dashes}`,
  `${dashes}BEGIN CERTIFICATE${dashes}`,
  `ssh-rsa AAAAB3NzaC1yc2E${letters(100)}`,
  `sha256:${'ab12'.repeat(16)}`,
  'AKIA is how they begin',
  'a xox-box',
])('%s is no secret', (text) => {
  expect(checkSecrets([file(text)])).toEqual([])
})

describe('a long text that looks like the beginning of a secret all along', () => {
  // Found by test/fuzz: a run of digits took a second for each ten thousand of them, squared.
  it.each(['429', 'a_', 'a__', 'a-', '1_', 'a.', 'a+', 'a://', 'password ', 'eyJaaaaaaaaaa.'])(
    'is looked through: a megabyte of %s',
    (piece) => {
      expect(checkSecrets([file(piece.repeat((1 << 20) / piece.length))])).toEqual([])
    },
  )
})
