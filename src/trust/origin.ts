/**
 * The judgement of an image's origin: what its bytes have to agree with, and what follows once they have been hashed.
 *
 * Whatever is good is made in one place, at the end of `judge`, and `verification` can't be read before: a step that is
 * forgotten, or a promise that never settles, leaves an image without a verification, not with a good one.
 */
import { InternalError } from '../errors.js'
import type { RunContext } from '../progress.js'
import type { Digests, HashOptions } from '../source/file-hash.js'
import { digestMismatch } from './digests.js'
import type { FoundDigests } from './find-digest.js'
import type { SignatureFile } from './find-signature.js'
import { type KeyFile, openKeyring } from './keyring.js'
import type { Certificate } from './openpgp/keys.js'
import { digestFor, type ParsedSignature, type SignatureClaim } from './openpgp/signature-packet.js'
import { conclude, type JudgedSignature } from './policy.js'
import type { Verification } from './verification.js'

/** All that lies there for an image. */
export interface Found extends FoundDigests {
  readonly imageName: string
  readonly imagePath: string
  /** Over the image. */
  readonly signatures: readonly SignatureFile[]
  readonly keyFiles: readonly KeyFile[]
  /** The user named keys for this run. */
  readonly keysNamed: boolean
  /** Only a good signature will do. */
  readonly require: boolean
}

/** One signature and what it is over: the image, or a document that is in memory. */
type Pending = { readonly file: string; readonly signature: ParsedSignature } & (
  | { readonly covers: 'image' }
  | { readonly covers: 'digests'; readonly document: Buffer }
)

export class Origin {
  readonly #found: Found
  readonly #context: RunContext
  readonly #pending: readonly Pending[]
  /** Of signatures over the image: what the hasher is asked for, in this order. */
  readonly #claims: readonly SignatureClaim[]
  readonly #certificates: Promise<readonly Certificate[]> | undefined
  #verification: Verification | undefined

  /**
   * Concludes at once where nothing depends on the image's bytes, and begins to load keys where something does.
   *
   * @throws ERR_UNVERIFIED | ERR_SIGNATURE_INVALID when it is clear already that nothing will vouch
   */
  constructor(found: Found, context: RunContext) {
    this.#found = found
    this.#context = context
    this.#pending = pendingIn(found)
    if (this.#pending.length > 0 && found.keyFiles.length > 0) {
      this.#claims = this.#pending.flatMap(({ covers, signature }) =>
        covers === 'image' && !('unread' in signature) ? [signature] : [],
      )
      this.#certificates = openKeyring(found.keyFiles, new Date())
      // Waited for when it is needed, not before.
      this.#certificates.catch(() => undefined)
    } else {
      this.#claims = []
      this.#conclude([], [])
    }
  }

  /** @throws InternalError before it is known */
  get verification(): Verification {
    if (this.#verification === undefined) throw new InternalError('ERR_INTERNAL', 'the origin has not been judged yet')
    return this.#verification
  }

  /** The bytes have to agree with something: a run that fails should ask that first. */
  get binds(): boolean {
    return this.#found.expected.length > 0 || this.#certificates !== undefined
  }

  /** What the file has to be hashed with. */
  get hashing(): HashOptions {
    return {
      withSha512: this.#found.expected.some(({ algorithm }) => algorithm === 'sha512'),
      signed: this.#claims.map(({ hash }) => hash),
    }
  }

  /** Whether `judge` will either prove that the image is what somebody published, or throw. */
  async vouches(): Promise<boolean> {
    if (this.#found.expected.length > 0) return true
    if (this.#certificates === undefined) return false
    const [{ keysFor }, certificates] = await Promise.all([import('./openpgp/verify-signature.js'), this.#certificates])
    return this.#claims.some((claim) => keysFor(claim, certificates).length > 0)
  }

  /**
   * Compares digests and judges signatures.
   *
   * @param digests of the whole file, taken as `hashing` says
   * @throws ERR_DIGEST_MISMATCH, ERR_SIGNATURE_BAD, ERR_SIGNATURE_KEY_UNKNOWN, ERR_SIGNATURE_INVALID, ERR_UNVERIFIED, ERR_KEY_INVALID
   */
  async judge(digests: Partial<Digests>): Promise<Verification> {
    this.#assertDigests(digests)
    if (this.#certificates !== undefined) {
      const certificates = await this.#certificates
      this.#conclude(await this.#judgeAll(digests, certificates), certificates)
    }
    return this.verification
  }

  #assertDigests(digests: Partial<Digests>): void {
    for (const expected of this.#found.expected) {
      const found = digests[expected.algorithm] ?? ''
      if (found !== expected.hex) throw digestMismatch(this.#found.imageName, expected, found)
    }
  }

  async #judgeAll(
    digests: Partial<Digests>,
    certificates: readonly Certificate[],
  ): Promise<readonly JudgedSignature[]> {
    const { judge } = await import('./openpgp/verify-signature.js')
    const now = new Date()
    const judged: JudgedSignature[] = []
    for (const pending of this.#pending) {
      const { file, covers, signature } = pending
      if ('unread' in signature) {
        judged.push({ file, covers, signature, verdict: { kind: 'unread', unread: signature.unread } })
        continue
      }
      const digest =
        pending.covers === 'digests'
          ? digestFor(signature, pending.document)
          : digests.signed?.[this.#claims.indexOf(signature)]
      if (digest === undefined) throw new InternalError('ERR_INTERNAL', `the image was not hashed for ${file}`)
      judged.push({ file, covers, signature, verdict: await judge(signature, digest, certificates, now) })
    }
    return judged
  }

  #conclude(judged: readonly JudgedSignature[], certificates: readonly Certificate[]): void {
    // Without keys nothing has been judged, and no key is there for any of them.
    const all = certificates.length > 0 || judged.length > 0 ? judged : this.#pending.map(withoutKey)
    const { verification, hint } = conclude({ ...this.#found, judged: all, certificates })
    const { imageName } = this.#found
    if (verification.status === 'signature') {
      const message = `${imageName} is signed: ${verification.reason}`
      this.#context.report({ kind: 'note', message })
    } else {
      const message = `${imageName} is UNVERIFIED: ${verification.reason}`
      this.#context.report({ kind: 'warning', code: 'UNVERIFIED', message, ...(hint === undefined ? {} : { hint }) })
    }
    this.#verification = verification
  }
}

function withoutKey({ file, covers, signature }: Pending): JudgedSignature {
  const verdict = 'unread' in signature ? ({ kind: 'unread', ...signature } as const) : ({ kind: 'no key' } as const)
  return { file, covers, signature, verdict }
}

function pendingIn({ signatures, signed }: Found): readonly Pending[] {
  return [
    ...signatures.flatMap(({ file, signatures: all }) =>
      all.map((signature): Pending => ({ file, covers: 'image', signature: overBytes(signature) })),
    ),
    ...signed.flatMap(({ document, signature: { file, signatures: all } }) =>
      all.map((signature): Pending => ({ file, covers: 'digests', document, signature })),
    ),
  ]
}

/** An image is no text, and is hashed as it is. */
function overBytes(signature: ParsedSignature): ParsedSignature {
  if ('unread' in signature || signature.type === 'binary') return signature
  return { unread: 'a signature over text, with line ends changed: expected one over the bytes of a file' }
}
