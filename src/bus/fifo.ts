/** A queue in a ring buffer that grows by doubling: it allocates nothing while its length stays what it was. */
export class Fifo<T> {
  #items: (T | undefined)[] = [undefined, undefined, undefined, undefined]
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  /** Takes the oldest; undefined when empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  /** The item at a place, counted from the oldest. */
  at(place: number): T | undefined {
    if (place >= this.#length) return undefined
    return this.#items[(this.#head + place) & (this.#items.length - 1)]
  }

  /** Takes the newest item that `matches`; undefined when none does. */
  takeNewest(matches: (item: T) => boolean): T | undefined {
    const items = this.toArray()
    const place = items.findLastIndex(matches)
    if (place === -1) return undefined
    this.clear()
    items.forEach((item, index) => {
      if (index !== place) this.push(item)
    })
    return items[place]
  }

  toArray(): T[] {
    const items: T[] = []
    for (let place = 0; place < this.#length; place++) {
      const item = this.at(place)
      if (item !== undefined) items.push(item)
    }
    return items
  }

  clear(): void {
    this.#items = [undefined, undefined, undefined, undefined]
    this.#head = 0
    this.#length = 0
  }

  #grow(): void {
    const items = [...this.#items.slice(this.#head), ...this.#items.slice(0, this.#head)]
    // The length stays a power of two, so that a mask can stand for the remainder.
    this.#items = [...items, ...items.map(() => undefined)]
    this.#head = 0
  }
}
