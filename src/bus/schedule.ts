import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'

export type Schedulable = CommandDefinition | EventDefinition

/** When a scheduled message is sent: `at` a time, `after` a while, or `every` so often (then first after that long). */
export interface Timing {
  /** Epoch milliseconds, or a date. */
  at?: number | Date
  /** Milliseconds from now. */
  after?: number
  /** Milliseconds between the beginnings of two. What falls due while the bus is not running is not made up for. */
  every?: number
  /** How many are sent in all (default: one, without end with `every`); more than one needs `every`. */
  times?: number
  /**
   * What becomes of one that fell due before the bus came back: `run` at once (default), `skip`, or milliseconds up to
   * which it still runs.
   */
  late?: 'run' | 'skip' | number
}

/** A message that waits for its time. */
export interface Scheduled extends Disposable {
  readonly id: string
  readonly kind: 'command' | 'event'
  readonly type: string
  /** Epoch milliseconds of the next sending. */
  readonly due: number
  /** Takes it back; false if it was sent (the last time) or taken back before. */
  cancel(): boolean
}

/** Timing in absolute terms. */
export interface Plan {
  due: number
  readonly every: number | undefined
  /** How many are still to be sent; undefined without end. */
  left: number | undefined
  readonly late: 'run' | 'skip' | number
}

/** Works out when, reading the clock only where that is needed; refuses what does not say so. */
export function planOf({ at, after, every, times, late = 'run' }: Timing, now: () => number): Plan {
  if (at !== undefined && after !== undefined) throw invalid('Give either at or after, not both.', 'after')
  if (at === undefined && after === undefined && every === undefined)
    throw invalid('Say when: at, after, or every.', 'at')
  if (every !== undefined && !(every > 0 && every < Infinity))
    throw invalid(`every must be more than 0 ms, not ${every}.`, 'every')
  if (times !== undefined && (!Number.isInteger(times) || times < 1))
    throw invalid(`times must be a whole number of at least 1, not ${times}.`, 'times')
  if (times !== undefined && times > 1 && every === undefined)
    throw invalid(`To send it ${times} times, say every how many milliseconds: every.`, 'times')
  if (typeof late === 'number' ? !(late >= 0 && late < Infinity) : !['run', 'skip'].includes(late))
    throw invalid(`late must be run, skip, or 0 or more ms, not ${late}.`, 'late')
  const due = at === undefined ? now() + (after ?? every ?? 0) : Number(at)
  if (!Number.isFinite(due)) {
    const option = at === undefined ? 'after' : 'at'
    throw invalid(`${option} must be a time in milliseconds, not ${String(at ?? after)}.`, option)
  }
  return { due, every, left: every === undefined ? 1 : times, late }
}

/** The first time of a repeating plan that is still to come. */
export function nextDue({ due, every = 0 }: Plan, now: number): number {
  // The time of day was put back: it must not be silent until that time comes again.
  if (now < due - every) return now + every
  return due + every * Math.max(1, Math.floor((now - due) / every) + 1)
}

function invalid(message: string, option: string): BuslineError {
  return new BuslineError('INVALID_OPTION', message, { data: { option } })
}
