/** A part of a text: from, and up to but without `to`. */
export type Range = readonly [from: number, to: number]

/** Where any of some values stand in a text, in order; those that overlap, and `first` with them, are one. */
export function rangesOf(text: string, values: readonly string[], first?: Range): Range[] {
  const found: Range[] = first ? [first] : []
  for (const value of values) {
    // One character on, because a value may overlap itself.
    for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1))
      found.push([at, at + value.length])
  }
  return found.length > 1 ? merged(found) : found
}

/**
 * How many characters at the end of a text might be the beginning of one of some values, which what follows would
 * complete.
 */
export function openEnd(text: string, values: readonly string[]): number {
  let longest = 0
  for (const value of values) {
    for (let length = Math.min(value.length - 1, text.length); length > longest; length--) {
      if (value.startsWith(text.slice(-length))) longest = length
    }
  }
  return longest
}

function merged(ranges: Range[]): Range[] {
  const result: Range[] = []
  let [from, to] = [-1, -1]
  for (const next of ranges.sort((a, b) => a[0] - b[0])) {
    if (next[0] < to) to = Math.max(to, next[1])
    else {
      if (to > 0) result.push([from, to])
      ;[from, to] = next
    }
  }
  result.push([from, to])
  return result
}
