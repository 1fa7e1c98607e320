/**
 * How often something is tried again, and after how long: twice as long each time, a little at random, so that many machines
 * that lost one server don't come back to it at once. What makes progress begins to count anew.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { CancelledError, MachineError } from '../errors.js'
import { shown } from './address.js'
import type { PassingFailure } from './http.js'

export interface RetryPolicy {
  /** Failures in a row, without a byte of progress between them, that are borne. */
  readonly retries: number
  /** Before the first one. */
  readonly delayMs: number
}

export const RETRY_POLICY: RetryPolicy = { retries: 5, delayMs: 500 }
const DELAY_MS_MAX = 30_000

export class Retries {
  readonly #policy: RetryPolicy
  readonly #signal: AbortSignal
  #failures = 0

  constructor(policy: RetryPolicy, signal: AbortSignal) {
    this.#policy = policy
    this.#signal = signal
  }

  madeProgress(): void {
    this.#failures = 0
  }

  /**
   * Waits until it is time to try again.
   *
   * @throws ERR_NETWORK when it was tried often enough
   */
  async again({ reason, retryAfterMs }: PassingFailure, url: URL): Promise<void> {
    this.#failures++
    if (this.#failures > this.#policy.retries) {
      throw new MachineError(
        'ERR_NETWORK',
        `could not fetch ${shown(url)}: ${reason}, ${this.#failures} times in a row`,
        {
          hint: 'run the same command again: it goes on where this one stopped',
          details: { url: shown(url) },
        },
      )
    }
    const backOffMs = this.#policy.delayMs * 2 ** (this.#failures - 1) * (1 + Math.random() / 4)
    await wait(Math.min(Math.max(backOffMs, retryAfterMs ?? 0), DELAY_MS_MAX), undefined, {
      signal: this.#signal,
    }).catch(() => {
      throw new CancelledError()
    })
  }
}
