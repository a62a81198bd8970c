/** Numbers that follow each other: `count` of them, from `first` on. */
export interface Stretch {
  readonly first: number
  readonly count: number
}

/** The beginning of a stretch: which one, and how many of its numbers. */
export interface Beginning {
  readonly place: number
  readonly count: number
}

/** Where rises of some lengths end that end lowest: one of `length + i` ends with the number `i` of these. */
interface Ends extends Stretch {
  readonly length: number
  readonly place: number
}

/**
 * The longest strictly rising part of the numbers of some stretches, the rest left out; of several that are as long, the one
 * that ends lowest. Of each stretch it has a beginning, or nothing. Patience sorting (Aldous and Diaconis, Bulletin of the
 * AMS 36, 1999), by stretches: as each number of one ends a rise that is one longer, they are put down together.
 */
export function longestRise(stretches: readonly Stretch[]): Beginning[] {
  /** By length, from 1 on, without a gap. */
  const ends: Ends[] = []
  /** Before the first number of each stretch: in which one, and with which number, the rise ends that it goes on. */
  const before: { place: number; number: number }[] = []
  for (const [place, { first, count }] of stretches.entries()) {
    const at = firstNotBelow(ends, first)
    const cut = ends[at]
    const previous = ends[at - 1]
    // The number itself may stand within a part: what is below it stays.
    const below = cut && cut.first < first ? first - cut.first : 0
    const length = cut ? cut.length + below : previous ? previous.length + previous.count : 1
    if (cut && below > 0) before.push({ place: cut.place, number: first - 1 })
    else
      before.push(previous ? { place: previous.place, number: lastOf(previous) } : { place: -1, number: 0 })

    const mine: Ends = { first, count, length, place }
    let behind = at
    while ((ends[behind]?.length ?? Infinity) + (ends[behind]?.count ?? 0) <= length + count) behind++
    const over = ends[behind]
    const kept: Ends[] = [mine]
    if (cut && below > 0) kept.unshift({ ...cut, count: below })
    if (over && over.length < length + count) {
      const taken = length + count - over.length
      kept.push({ ...over, first: over.first + taken, count: over.count - taken, length: length + count })
      behind++
    }
    ends.splice(at, behind - at, ...kept)
  }
  const rise: Beginning[] = []
  let end = ends.length === 0 ? undefined : { place: ends.at(-1)?.place ?? -1, number: lastOf(ends.at(-1)) }
  while (end !== undefined && end.place !== -1) {
    const { place, number } = end
    rise.push({ place, count: number - (stretches[place]?.first ?? 0) + 1 })
    end = before[place]
  }
  return rise.toReversed()
}

function lastOf(stretch: Stretch | undefined): number {
  return stretch ? stretch.first + stretch.count - 1 : 0
}

/** The first part whose last number is not below this one; the length of all when there is none. */
function firstNotBelow(ends: readonly Ends[], number: number): number {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (lastOf(ends[middle]) < number) low = middle + 1
    else high = middle
  }
  return low
}
