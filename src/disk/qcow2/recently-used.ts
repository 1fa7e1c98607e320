/**
 * A few values that are costly to make, kept while they are in use: the least recently used one goes first.
 *
 * Promises are kept, so that two readers that want the same value at the same time wait for one making of it.
 */
export class RecentlyUsed<Value> {
  readonly #limit: number
  /** In order of use: a Map remembers the order of insertion. */
  readonly #values = new Map<number, Promise<Value>>()

  /** @param limit how many values are kept */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The value of a key if it is there; does not count as a use. */
  peek(key: number): Promise<Value> | undefined {
    return this.#values.get(key)
  }

  get(key: number, make: () => Promise<Value>): Promise<Value> {
    const kept = this.#values.get(key)
    const value = kept ?? make()
    if (kept === undefined) {
      // A failure is told to whoever asked, and not kept.
      value.catch(() => {
        if (this.#values.get(key) === value) this.#values.delete(key)
      })
    }
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size > this.#limit) {
      for (const oldest of this.#values.keys()) {
        this.#values.delete(oldest)
        break
      }
    }
    return value
  }
}
