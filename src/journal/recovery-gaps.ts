import type { FilePlan, RecordStretch } from './found-records.ts'

/** What is written into a file in place of what is lost. */
export interface Gap {
  /** Before which stretch of the file; their number for its end. */
  readonly place: number
  /** The `seq` of the lines that are lost. */
  readonly from: number
  readonly to: number
  /** Epoch milliseconds, of a record beside it. */
  readonly time: number
}

/**
 * The gaps between what is kept of a run, by file. Between two files they stand at the end of the first one, because the other
 * has to begin with its header.
 *
 * @param expected the `seq` that comes first; undefined when nobody knows
 */
export function gapsOf(plans: readonly FilePlan[], expected: number | undefined): Gap[][] {
  const gaps = plans.map((): Gap[] => [])
  let follow = expected
  let before: { file: number; end: number; time: number } | undefined
  for (const [file, { stretches }] of plans.entries()) {
    for (const [place, stretch] of stretches.entries()) {
      const from = follow
      const to = from === undefined ? -1 : lastMissing(stretch, from, before !== undefined)
      if (from !== undefined && to >= from) {
        if (place === 0 && before) gaps[before.file]?.push({ place: before.end, from, to, time: before.time })
        else gaps[file]?.push({ place, from, to, time: stretch.times[0] })
      }
      follow = stretch.first + stretch.count
      before = { file, end: stretches.length, time: stretch.times[1] }
    }
  }
  return gaps
}

/** The last line that is missing before a stretch, and that its first record does not account for itself. */
function lastMissing(
  { first, lostFrom, beginsLater }: RecordStretch,
  expected: number,
  hasBefore: boolean,
): number {
  // What came before has been deleted with its segments.
  if (!hasBefore && beginsLater) return -1
  return lostFrom !== undefined && lostFrom >= expected ? lostFrom - 1 : first - 1
}
