/** How many values are kept as they are. */
const KEPT = 512

/**
 * The greatest relative error of a quantile once there are more values than are kept. Buckets grow by (1 + e) / (1 - e) and
 * each stands for the value in its middle: DDSketch, https://www.vldb.org/pvldb/vol12/p2195-masson.pdf, definitions 2 and 3.
 */
export const QUANTILE_ERROR = 0.01

const GROWTH = (1 + QUANTILE_ERROR) / (1 - QUANTILE_ERROR)
const LOG_GROWTH = Math.log(GROWTH)

/** Smaller values count as zero: a nanosecond, where values are milliseconds. */
const LEAST = 1e-6

/** Of a set of values. The quantiles are nearest-rank: the least value that the share is not above. */
export interface Summary {
  count: number
  sum: number
  p50: number
  p90: number
  p95: number
  p99: number
  max: number
}

/**
 * Quantiles of values of any number in bounded memory: exact for up to 512, then within 1 % of the true value. Two can be
 * merged, and come to what one that took all values does. Values that are negative or not finite are not taken.
 */
export class Quantiles {
  #values: number[] = []
  /** Counts by bucket, once there were too many values to keep them. */
  #buckets: Map<number, number> | undefined
  #count = 0
  #sum = 0
  #max = 0

  add(value: number): void {
    if (!(value >= 0 && value < Infinity)) return
    this.#count++
    this.#sum += value
    if (value > this.#max) this.#max = value
    if (this.#buckets) increase(this.#buckets, bucketOf(value), 1)
    else this.#keep(value)
  }

  merge(other: Quantiles): void {
    this.#count += other.#count
    this.#sum += other.#sum
    this.#max = Math.max(this.#max, other.#max)
    if (other.#buckets) this.#spill()
    for (const value of other.#values) {
      if (this.#buckets) increase(this.#buckets, bucketOf(value), 1)
      else this.#keep(value)
    }
    for (const [bucket, count] of other.#buckets ?? []) increase(this.#buckets ?? new Map(), bucket, count)
  }

  /** Undefined without values. */
  summary(): Summary | undefined {
    if (this.#count === 0) return undefined
    const sorted = this.#buckets ? [] : this.#values.toSorted((a, b) => a - b)
    const buckets = [...(this.#buckets ?? [])].toSorted(([a], [b]) => a - b)
    const at = (share: number): number => {
      const rank = Math.max(1, Math.ceil(share * this.#count))
      return this.#buckets ? valueOf(buckets, rank, this.#max) : (sorted[rank - 1] ?? this.#max)
    }
    return {
      count: this.#count,
      sum: this.#sum,
      p50: at(0.5),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      max: this.#max,
    }
  }

  #keep(value: number): void {
    this.#values.push(value)
    if (this.#values.length > KEPT) this.#spill()
  }

  #spill(): void {
    if (this.#buckets) return
    this.#buckets = new Map()
    for (const value of this.#values) increase(this.#buckets, bucketOf(value), 1)
    this.#values = []
  }
}

function increase(counts: Map<number, number>, bucket: number, by: number): void {
  counts.set(bucket, (counts.get(bucket) ?? 0) + by)
}

function bucketOf(value: number): number {
  return value < LEAST ? -Infinity : Math.ceil(Math.log(value) / LOG_GROWTH)
}

function valueOf(buckets: readonly (readonly [number, number])[], rank: number, max: number): number {
  let below = 0
  for (const [bucket, count] of buckets) {
    below += count
    if (below >= rank) return bucket === -Infinity ? 0 : Math.min(max, (2 * GROWTH ** bucket) / (GROWTH + 1))
  }
  return max
}
