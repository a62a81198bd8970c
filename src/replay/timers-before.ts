import { isInbound } from './line-kinds.ts'
import type { Expected } from './recorded-run.ts'

/** Clocks tell whole milliseconds: a line may have been written so much later. */
export const TICK_MS = 1

/** A timer of the recorded run may have rung so many milliseconds late. */
export const LATE_MS = 50

/** The same for a timer that would have been noted otherwise: the time that it is set at may be as much behind. */
export const NOTED_LATE_MS = 5 + TICK_MS

/**
 * Until when timers have rung before a line was written. One may ring late, so an answer or a cancel may have been faster
 * than a timer that was due already.
 */
export function timersBefore({ record }: Expected): number {
  return record.time - (isInbound(record) ? TICK_MS : LATE_MS)
}
