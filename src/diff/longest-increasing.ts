/**
 * The places of a longest strictly increasing subsequence, in order. Patience sorting in O(n log n): M. L. Fredman, On
 * computing the length of longest increasing subsequences, 1975.
 */
export function longestIncreasing(values: readonly number[]): number[] {
  /** By length - 1: where the subsequence of that length with the smallest end ends. */
  const ends: number[] = []
  const before: (number | undefined)[] = []
  const at = (place: number | undefined): number =>
    place === undefined ? Infinity : (values[place] ?? Infinity)
  for (const [place, value] of values.entries()) {
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (at(ends[middle]) < value) low = middle + 1
      else high = middle
    }
    before.push(low === 0 ? undefined : ends[low - 1])
    ends[low] = place
  }
  const found: number[] = []
  for (let place = ends.at(-1); place !== undefined; place = before[place]) found.push(place)
  return found.toReversed()
}
