import type { HistogramSeries } from './metrics-snapshot.ts'

/**
 * Estimates a quantile from buckets, as Prometheus' `histogram_quantile` does: the values of a bucket are taken to be
 * spread evenly over it. Never more than the greatest value, which is known. Undefined without values.
 *
 * @param quantile between 0 and 1
 */
export function estimateQuantile(
  { buckets, count, max }: Pick<HistogramSeries, 'buckets' | 'count' | 'max'>,
  quantile: number,
): number | undefined {
  if (count === 0) return undefined
  const rank = quantile * count
  const place = buckets.findIndex((bucket) => bucket.count >= rank && bucket.count > 0)
  const bucket = buckets[place]
  if (!bucket) return max

  const before = buckets[place - 1]
  const below = before?.count ?? 0
  const from = before?.le ?? Math.min(0, bucket.le)
  return Math.min(max, from + ((bucket.le - from) * (rank - below)) / (bucket.count - below))
}
