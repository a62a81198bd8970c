/** How many keys a policy keeps apart. */
export const MOST_KEYS = 10_000

/** Values by key, in the order of their last use, and of a bounded number. */
export class RecentlyUsed<Value> {
  #values = new Map<string, Value>()
  #capacity: number

  constructor(capacity = MOST_KEYS) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#values.size
  }

  /**
   * The value of a key, made if there is none. When that is one too many, the least recently used one that `mayLeave`
   * makes room; when none may, the least recently used of all.
   */
  get(key: string, make: () => Value, mayLeave: (value: Value) => boolean): Value {
    const known = this.#values.has(key)
    const value = this.#values.get(key) ?? make()
    if (!known && this.#values.size >= this.#capacity) this.#makeRoom(mayLeave)
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  #makeRoom(mayLeave: (value: Value) => boolean): void {
    const [oldest] = this.#values.keys()
    for (const [key, value] of this.#values) {
      if (!mayLeave(value)) continue
      this.#values.delete(key)
      return
    }
    if (oldest !== undefined) this.#values.delete(oldest)
  }
}
