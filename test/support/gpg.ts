/**
 * Keys and signatures by gpg, at any time of the past: in a home of its own that nothing else sees.
 *
 * The vendor-like key has the shape of the real ones: a primary key that only certifies, and a signing subkey a year.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Gpg {
  readonly home = mkdtempSync(join(tmpdir(), 'oem-bake-gpg-'))

  /** @param at `2014-01-01`: the day that gpg takes for today */
  run(args: readonly string[], at?: string, input = ''): string {
    return execFileSync('gpg', [...this.#flags(at), ...args], {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  /** @returns the fingerprint of a new primary key */
  newKey(userId: string, algorithm: string, usage: string, at: string, expires = 'never'): string {
    this.run(['--quick-gen-key', userId, algorithm, usage, expires], at)
    const listed = this.run(['--list-keys', '--with-colons', `=${userId}`])
    return fingerprintsIn(listed)[0] ?? ''
  }

  /** @returns the fingerprint of a new signing subkey */
  newSubkey(primary: string, algorithm: string, at: string, expires: string): string {
    this.run(['--quick-add-key', primary, algorithm, 'sign', expires], at)
    return fingerprintsIn(this.run(['--list-keys', '--with-colons', primary])).at(-1) ?? ''
  }

  /** @param index counted from 1, in the order in which they were added */
  revokeSubkey(primary: string, index: number, at: string): void {
    const answers = [`key ${index}`, 'revkey', 'y', '1', '', 'y', 'save', ''].join('\n')
    this.run(['--command-fd', '0', '--edit-key', primary], at, answers)
  }

  /** A detached signature of a file, binary unless `--armor` is among the flags. */
  sign(file: string, key: string, at?: string, flags: readonly string[] = []): Buffer {
    const args = [...this.#flags(at), '--local-user', `${key}!`, ...flags, '--output', '-', '--detach-sign', file]
    return execFileSync('gpg', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  clearSign(text: string, key: string, at?: string): string {
    return this.run(['--local-user', `${key}!`, '--clear-sign'], at, text)
  }

  export(path: string, keys: readonly string[], flags: readonly string[] = ['--armor']): string {
    this.run([...flags, '--output', path, '--export', ...keys])
    return path
  }

  [Symbol.dispose](): void {
    spawnSync('gpgconf', ['--homedir', this.home, '--kill', 'all'])
    rmSync(this.home, { recursive: true, force: true })
  }

  #flags(at: string | undefined): readonly string[] {
    return [
      ...['--homedir', this.home, '--batch', '--yes', '--no-tty', '--quiet', '--no-auto-check-trustdb'],
      ...['--pinentry-mode', 'loopback', '--passphrase', ''],
      ...(at === undefined ? [] : ['--faked-system-time', `${at.replaceAll('-', '')}T120000!`]),
    ]
  }
}

/** What gpg itself says, in a home that has just these keys: the keywords of its status lines, and its exit code. */
export function gpgVerdict(
  keyFiles: readonly string[],
  signature: string,
  file?: string,
): { words: string[]; exitCode: number } {
  using judge = new Gpg()
  for (const keys of keyFiles) judge.run(['--import', keys])
  const args = ['--homedir', judge.home, '--batch', '--no-tty', '--status-fd', '1', '--verify', signature]
  const { status, stdout } = spawnSync('gpg', file === undefined ? args : [...args, file], { encoding: 'utf8' })
  const words = [...stdout.matchAll(/^\[GNUPG:\] ([A-Z_]+)/gm)].map(([, word]) => word ?? '')
  return { words: words.filter((word) => VERDICTS.has(word)), exitCode: status ?? -1 }
}

const VERDICTS = new Set(['GOODSIG', 'EXPKEYSIG', 'REVKEYSIG', 'BADSIG', 'ERRSIG', 'NO_PUBKEY', 'NODATA', 'VALIDSIG'])

function fingerprintsIn(colons: string): readonly string[] {
  return [...colons.matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(([, fingerprint]) => fingerprint ?? '')
}

/** The keys that tests sign with. */
export interface TestKeys extends Disposable {
  readonly gpg: Gpg
  /** Primary fingerprint of the vendor-like key, and its subkeys. */
  readonly bot: string
  readonly expired: string
  readonly revoked: string
  readonly shortened: string
  readonly current: string
  /** Primary fingerprint of a key that signs by itself. */
  readonly own: string
  readonly stranger: string
  /** Paths of what was exported. */
  readonly files: {
    /** All of the vendor-like key. */
    readonly bot: string
    /** The same in its first year: the newer subkeys are not in it. */
    readonly botOld: string
    readonly own: string
    readonly stranger: string
  }
}

/** @param directory where exported keys go */
export function makeTestKeys(directory: string): TestKeys {
  const gpg = new Gpg()
  const path = (name: string): string => join(directory, name)
  const bot = gpg.newKey('Test Buildbot <buildbot@example.com>', 'rsa2048', 'cert', '2013-09-06')
  const expired = gpg.newSubkey(bot, 'rsa2048', '2013-09-07', '1y')
  const botOld = gpg.export(path('bot-old.asc'), [bot])
  const revoked = gpg.newSubkey(bot, 'rsa2048', '2014-09-07', 'never')
  const shortened = gpg.newSubkey(bot, 'rsa2048', '2018-01-01', '2y')
  const current = gpg.newSubkey(bot, 'rsa2048', '2020-01-01', 'never')
  const own = gpg.newKey('Release Engineer <me@example.org>', 'ed25519', 'sign', '2020-01-01')
  const stranger = gpg.newKey('Stranger <who@example.net>', 'ed25519', 'sign', '2020-01-01')
  return {
    ...{ gpg, bot, expired, revoked, shortened, current, own, stranger },
    files: {
      bot: path('bot.asc'),
      botOld,
      own: gpg.export(path('own.gpg'), [own], []),
      stranger: gpg.export(path('stranger.asc'), [stranger]),
    },
    [Symbol.dispose]: () => gpg[Symbol.dispose](),
  }
}

/** After everything has been signed: the year's subkey is revoked, another one's time cut short, and the key exported. */
export function retireTestKeys({ gpg, bot, shortened, files }: TestKeys): void {
  gpg.revokeSubkey(bot, 2, '2016-05-16')
  gpg.run(['--quick-set-expire', bot, '2019-01-01', shortened], '2018-06-01')
  gpg.export(files.bot, [bot])
}
