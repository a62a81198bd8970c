import type { HistogramSeries } from './metrics-snapshot.ts'

/** Counts values by size, in constant memory. */
export class Distribution {
  #bounds: readonly number[]
  #counts: number[]
  #count = 0
  #sum = 0
  #max = -Infinity

  /** @param bounds upper ends of the buckets, ascending; what is above the last is counted too */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    const place = this.#bounds.findIndex((bound) => value <= bound)
    if (place !== -1) this.#counts[place] = (this.#counts[place] ?? 0) + 1
    this.#count++
    this.#sum += value
    this.#max = Math.max(this.#max, value)
  }

  snapshot(): Omit<HistogramSeries, 'labels'> {
    let below = 0
    const buckets = this.#bounds.map((le, place) => {
      below += this.#counts[place] ?? 0
      return { le, count: below }
    })
    return { buckets, count: this.#count, sum: this.#sum, max: this.#max }
  }
}
