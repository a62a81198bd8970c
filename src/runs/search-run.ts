import type { Filter } from './parse-filter.ts'
import type { RunLine, RunLines } from './run-line.ts'

export interface SearchOptions {
  /** Lines before and after each match (default 0). The lines must then be all of a run. */
  context?: number
  /** How many matches to stop after; lines after the last of them still come, up to another match (default: all). */
  max?: number
}

/** A line that was found, or one around it. */
export interface Found {
  readonly line: RunLine
  readonly matches: boolean
}

/** Finds the lines that a filter matches, in order; lines around them once each. Holds no more than the context. */
export async function* searchRun(
  batches: RunLines,
  filter: Filter,
  { context = 0, max = Infinity }: SearchOptions = {},
): AsyncGenerator<Found> {
  const before: RunLine[] = []
  let after = 0
  let left = max
  for await (const batch of batches) {
    for (const line of batch) {
      if (left <= 0 && after === 0) return
      const matches = filter.matches(line)
      if (matches && left <= 0) return
      if (matches) {
        for (const earlier of before.splice(0)) yield { line: earlier, matches: false }
        yield { line, matches }
        left--
        after = context
      } else if (after > 0) {
        after--
        yield { line, matches }
      } else if (context > 0) {
        before.push(line)
        if (before.length > context) before.shift()
      }
    }
  }
}
