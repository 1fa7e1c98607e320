/**
 * Signing through the user's own gpg: their keys, their agent, their way of typing a passphrase.
 *
 * What gpg did is read from its status lines (GnuPG doc/DETAILS, "Format of the --status-fd output"), never from its words
 * or its exit code alone: SIG_CREATED names the key that made a signature, VALIDSIG the key whose signature is in the file
 * that gpg reads back. Both have to be of the key that was asked for. gpg's own words go into the message of a failure.
 */
import { assertSucceeded, type CommandResult, findProgram, lastLines, runCommand } from '../command.js'
import { EngineError, UnsupportedError, UsageError } from '../errors.js'
import type { RunContext } from '../progress.js'
import { createdBy, parseSecretKeys, type SecretKey, validBy } from './gpg-lines.js'
import type { SignedBy } from './record.js'
import type { Tool } from './tools.js'

export interface Signer {
  readonly gpg: Tool
  /** A binary detached signature over a file. */
  signDetached(file: string, signature: string): Promise<SignedBy>
  /** A text with its signature around it. */
  signClear(file: string, signed: string): Promise<SignedBy>
  /** Whether a file holds a good signature by the key: over another file, or around its own text. */
  hasSigned(signature: string, file?: string): Promise<boolean>
}

/** No user is asked anything by gpg itself; the agent may ask for a passphrase. */
const QUIET = ['--batch', '--no-tty', '--yes']
/** RFC 4880 9.4: all below 8 (SHA-256) prove nothing any more. */
const SHA256_ALGORITHM = 8

/**
 * Finds gpg and the key, before any work is done for a signature that can't be made.
 *
 * @param keyId as `--local-user` takes it: fingerprint, key id, address
 * @throws ERR_GPG_MISSING; ERR_SIGNING_KEY when there is no secret key of that name, or more than one
 */
export async function openSigner(keyId: string, context: RunContext): Promise<Signer> {
  if (keyId === '') throw new UsageError('ERR_SIGNING_KEY', 'no key was named to sign with', { hint: '--sign KEY' })
  const program = await findProgram('gpg', context.env)
  if (program === undefined) {
    throw new UnsupportedError('ERR_GPG_MISSING', 'signing needs gpg, and there is none on the PATH', {
      hint: 'Debian and Ubuntu: sudo apt-get install gpg\nFedora: sudo dnf install gnupg2',
    })
  }
  const gpg = (args: readonly string[]): Promise<CommandResult> =>
    runCommand(program, [...QUIET, '--status-fd', '1', ...args], { signal: context.signal, env: context.env })
  const key = await findKey(keyId, gpg)
  // A key id with an exclamation mark means that very subkey; everything else has been looked up.
  const exact = /^(?:0x)?([0-9A-F]{8,40})!$/i.exec(keyId)?.[1]?.toUpperCase()
  const who = exact === undefined ? key.primary : keyId
  const allowed = key.fingerprints.filter((fingerprint) => fingerprint.endsWith(exact ?? ''))
  const version = /\d+\.\d[\w.-]*/.exec((await gpg(['--version'])).stdout)?.[0]
  const verify = (signature: string, file: string | undefined): Promise<CommandResult> =>
    gpg(['--verify', '--', signature, ...(file === undefined ? [] : [file])])
  const sign = async (how: '--detach-sign' | '--clear-sign', file: string, output: string): Promise<SignedBy> => {
    context.report({ kind: 'phase', phase: 'sign', detail: 'gpg' })
    const made = await gpg(['--local-user', who, '--output', output, how, '--', file])
    const created = createdBy(made.stdout)
    if (made.exitCode !== 0 || created === undefined) throw failed(keyId, 'could not sign', made)
    if (created.hashAlgorithm < SHA256_ALGORITHM)
      throw failed(keyId, `signed with the worthless hash algorithm ${created.hashAlgorithm}`, made)
    const checked = await verify(output, how === '--detach-sign' ? file : undefined)
    const valid = validBy(checked.stdout)
    if (checked.exitCode !== 0 || valid === undefined) throw failed(keyId, 'does not verify what it signed', checked)
    for (const fingerprint of [created.fingerprint, valid.fingerprint]) {
      if (!allowed.includes(fingerprint)) throw failed(keyId, `signed with ${fingerprint}, which is another key`, made)
    }
    return { key: valid.fingerprint, primary: key.primary }
  }
  return {
    gpg: { name: 'gpg', version },
    signDetached: (file, signature) => sign('--detach-sign', file, signature),
    signClear: (file, signed) => sign('--clear-sign', file, signed),
    hasSigned: async (signature, file) => {
      const { exitCode, stdout } = await verify(signature, file)
      const valid = validBy(stdout)
      return exitCode === 0 && valid !== undefined && allowed.includes(valid.fingerprint)
    },
  }
}

async function findKey(keyId: string, gpg: (args: readonly string[]) => Promise<CommandResult>): Promise<SecretKey> {
  const listed = await gpg(['--with-colons', '--fixed-list-mode', '--list-secret-keys', '--', keyId])
  // A gpg that could not be run, or was killed, says nothing about its keys.
  if (listed.exitCode === undefined) assertSucceeded(listed, 'gpg --list-secret-keys')
  const keys = parseSecretKeys(listed.stdout)
  const [key, other] = keys
  if (listed.exitCode !== 0 || key === undefined) {
    throw new UsageError('ERR_SIGNING_KEY', `gpg has no secret key ${keyId}: ${lastLines(listed.stderr)}`, {
      hint: 'gpg --list-secret-keys shows those that it has; GNUPGHOME says where it looks',
    })
  }
  if (other !== undefined) {
    throw new UsageError('ERR_SIGNING_KEY', `gpg has ${keys.length} secret keys for ${keyId}: which one is to sign?`, {
      hint: `give the fingerprint: --sign ${key.primary}`,
      details: { keys: keys.map(({ primary }) => primary) },
    })
  }
  return key
}

function failed(keyId: string, what: string, result: CommandResult): EngineError {
  return new EngineError(
    'ERR_SIGN',
    `gpg ${what} with key ${keyId}: ${lastLines(result.stderr)}; nothing was published`,
    {
      hint: 'try it alone: gpg --local-user KEY --detach-sign FILE. A passphrase on a terminal needs: export GPG_TTY=$(tty)',
      details: { exitCode: result.exitCode },
    },
  )
}
