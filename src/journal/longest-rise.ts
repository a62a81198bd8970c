/**
 * The places of a longest strictly rising part of numbers, the rest left out; of several that are as long, the one that ends
 * lowest. Patience sorting: Aldous and Diaconis, Bulletin of the AMS 36 (1999).
 */
export function longestRise(numbers: readonly number[]): number[] {
  /** By length less one: where the rise of this length ends that ends lowest. */
  const ends: number[] = []
  const before = new Int32Array(numbers.length).fill(-1)
  for (const [place, number] of numbers.entries()) {
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((numbers[ends[middle] ?? 0] ?? 0) < number) low = middle + 1
      else high = middle
    }
    before[place] = ends[low - 1] ?? -1
    ends[low] = place
  }
  const rise: number[] = []
  for (let place = ends.at(-1) ?? -1; place !== -1; place = before[place] ?? -1) rise.push(place)
  return rise.toReversed()
}
