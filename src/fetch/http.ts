/**
 * GET, by undici: proxies of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), certificates of SSL_CERT_FILE beside those that
 * Node trusts (and NODE_EXTRA_CA_CERTS, which Node reads itself), redirects, and time limits on silence, not on length.
 *
 * A failure that may pass is a value: whoever asked decides whether to ask again (`retry.ts`).
 */
import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { CancelledError, fileError, MachineError } from '../errors.js'
import { given } from '../given.js'
import type { RunContext } from '../progress.js'
import { basicAuthorization, shown } from './address.js'
import { Incoming } from './incoming.js'

/** A server that says nothing for so long is taken for gone. */
const SILENCE_MS = 30_000
const REDIRECTS_MAX = 5
const REDIRECT = new Set([301, 302, 303, 307, 308])
/** Statuses of servers that are busy, or being mended. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

export interface Answer {
  readonly kind: 'answer'
  /** 2xx, 404, 410; 416 where a part was asked for. */
  readonly status: number
  /** Of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined
  readonly body: Incoming
}

/** What may go better another time. */
export interface PassingFailure {
  readonly kind: 'failed'
  readonly reason: string
  /** What the server asked for with Retry-After. */
  readonly retryAfterMs: number | undefined
}

export class HttpClient implements AsyncDisposable {
  readonly #agent: Dispatcher
  readonly #signal: AbortSignal

  private constructor(agent: Dispatcher, signal: AbortSignal) {
    this.#agent = agent
    this.#signal = signal
  }

  /**
   * @param silenceMs how long a server may say nothing
   * @throws ERR_NOT_FOUND | ERR_PERMISSION for a SSL_CERT_FILE that can't be read
   */
  static async open({ env, signal }: RunContext, silenceMs = SILENCE_MS): Promise<HttpClient> {
    const { SSL_CERT_FILE: certificates } = env
    const extra =
      certificates === undefined || certificates === ''
        ? undefined
        : await readFile(certificates, 'utf8').catch((error) => {
            throw fileError(error, `read ${certificates}`, 'correct SSL_CERT_FILE, or take it out of the environment')
          })
    const tls = extra === undefined ? {} : { ca: [...rootCertificates, extra] }
    const proxy = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? ''
    const agent = new EnvHttpProxyAgent({
      httpProxy: proxy('HTTP_PROXY'),
      httpsProxy: proxy('HTTPS_PROXY'),
      noProxy: proxy('NO_PROXY'),
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      connect: { ...tls, timeout: silenceMs },
      requestTls: tls,
      proxyTls: tls,
    })
    return new HttpClient(agent, signal)
  }

  /**
   * @throws ERR_NETWORK for an answer that will not be another one next time
   * @throws ERR_CANCELLED
   */
  async get(from: URL, headers: Readonly<Record<string, string>> = {}): Promise<Answer | PassingFailure> {
    let url = from
    const authorization = basicAuthorization(from)
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const { response, failure } = await this.#ask(url, {
        ...headers,
        ...(url.origin === from.origin ? given({ authorization }) : {}),
      })
      if (response === undefined) return { kind: 'failed', reason: failure, retryAfterMs: undefined }
      const { body, headers: raw, statusCode: status } = response
      const header = (name: string): string | undefined => [raw[name]].flat()[0]
      const isOfPart = status === 416 && 'range' in headers
      if ((status >= 200 && status < 300) || status === 404 || status === 410 || isOfPart)
        return { kind: 'answer', status, header, body: new Incoming(body) }
      await body.dump().catch(() => undefined)
      if (PASSING.has(status))
        return {
          kind: 'failed',
          reason: `the server answered ${status}`,
          retryAfterMs: parseRetryAfter(header('retry-after')),
        }
      const location = header('location')
      if (!REDIRECT.has(status) || location === undefined || !URL.canParse(location, url.href))
        throw refused(from, `the server answered ${status}${url === from ? '' : ` at ${shown(url)}`}`)
      const next = new URL(location, url)
      if (url.protocol === 'https:' && next.protocol !== 'https:')
        throw refused(from, `it leads from https to ${shown(next)}, where anybody on the way could change it`)
      url = next
    }
    throw refused(from, `it leads on over more than ${REDIRECTS_MAX} redirects`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not close(): that waits for answers that nobody reads any more.
    await this.#agent.destroy().catch(() => undefined)
  }

  async #ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ response: Dispatcher.ResponseData; failure?: never } | { response?: never; failure: string }> {
    try {
      // What is signed is the file as it lies there: no encoding on the way.
      const response = await request(url, {
        dispatcher: this.#agent,
        signal: this.#signal,
        headers: { 'accept-encoding': 'identity', 'user-agent': 'oem-bake', ...headers },
      })
      return { response }
    } catch (error) {
      if (this.#signal.aborted) throw new CancelledError()
      return { failure: reasonOf(error) }
    }
  }
}

/** For people: undici names what happened in the cause, or in each of several attempts. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  return error.message !== '' ? error.message : 'code' in error ? String(error.code) : error.name
}

function refused(url: URL, reason: string): MachineError {
  return new MachineError('ERR_NETWORK', `could not fetch ${shown(url)}: ${reason}`, {
    hint: 'check the address, or name another server with --mirror',
  })
}

/** Seconds, or a date. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined
}
