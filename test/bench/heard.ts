/** Counts deliveries, so that a case which loses some fails instead of looking fast. */
export class Heard {
  #count = 0

  one = (): void => {
    this.#count++
  }

  /** Throws unless exactly `expected` were counted since the last time. */
  all(expected: number): void {
    const count = this.#count
    this.#count = 0
    if (count !== expected) throw new Error(`${count} deliveries of ${expected}`)
  }
}
