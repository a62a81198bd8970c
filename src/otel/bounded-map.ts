/** A map that keeps what was set last, and forgets what was set longest ago. */
export class BoundedMap<Key, Value> {
  #map = new Map<Key, Value>()
  #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  has(key: Key): boolean {
    return this.#map.has(key)
  }

  delete(key: Key): void {
    this.#map.delete(key)
  }

  /** Sets a value as the newest; what had to give way for it, if something had. */
  set(key: Key, value: Value): Value | undefined {
    this.#map.delete(key)
    this.#map.set(key, value)
    if (this.#map.size <= this.#capacity) return undefined
    for (const [oldest, given] of this.#map) {
      this.#map.delete(oldest)
      return given
    }
    return undefined
  }

  /** Takes all out, oldest first. */
  drain(): Value[] {
    const values = [...this.#map.values()]
    this.#map.clear()
    return values
  }
}
