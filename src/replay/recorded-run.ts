import * as z from 'zod'
import type { TimeRead } from '../bus/clock-readings.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { TIME_READ } from '../messages/message-types.ts'
import { deltasOf } from './comparable.ts'
import { isAbandoned, isBrokenOff, isCancel } from './line-kinds.ts'
import { LinesByOwner } from './lines-by-owner.ts'
import { RecordKeys } from './record-keys.ts'
import type { SharedIds } from './shared-ids.ts'

/** One line of a journal that a replay is expected to write again. */
export interface Expected {
  readonly record: JournalRecord
  /** Where it stands in the journal: its `seq` + 1. */
  readonly line: number
  readonly place: number
  done: boolean
}

const CancelNote = z.object({ reason: z.unknown() })
const OfSchedule = z.object({ schedule: z.string(), message: z.string().optional() })

/** What one process wrote into a journal: the lines in order, and each by what it is. Holds them in memory. */
export class RecordedRun {
  /** The prefix of its ids. */
  readonly run: string
  readonly lines: readonly Expected[]
  readonly ids: SharedIds
  /** Deltas from outside, in the order in which the batches began: their lines come when they are full. */
  readonly streams: readonly Expected[]
  /** Whether all that began has an end: the process was not killed in the middle of something. */
  readonly hasEnded: boolean
  readonly byOwner: LinesByOwner
  /** The notes with which schedules were made. */
  #schedules: ReadonlyMap<string, Expected>
  /** Which schedule of this run sent a message, by its id. */
  #sentBy: ReadonlyMap<string, string>
  #firings: ReadonlyMap<string, readonly Expected[]>
  #causes: ReadonlySet<string | undefined>
  /** By the id of the command. */
  #cancels: ReadonlyMap<string | undefined, Expected>
  #byKey = new Map<string, Expected>()

  constructor(run: string, lines: readonly { record: JournalRecord; line: number }[], ids: SharedIds) {
    this.run = run
    this.ids = ids
    const keys = new RecordKeys()
    this.lines = lines.map(({ record, line }, place) => {
      const expected = { record, line, place, done: false }
      this.#byKey.set(keys.of(record), expected)
      return expected
    })
    this.hasEnded = lines.every(
      ({ record: { kind, id } }) => kind !== 'command' || this.resultOf(id ?? '') !== undefined,
    )
    this.streams = this.lines
      .filter(({ record }) => record.cause === undefined && deltasOf(record.data) !== undefined)
      .toSorted((a, b) => rootNumber(a.record.id) - rootNumber(b.record.id))
    this.#causes = new Set(lines.map(({ record }) => (record.kind === 'result' ? undefined : record.cause)))
    this.#cancels = new Map(
      this.lines.filter(({ record }) => isCancel(record)).map((line) => [line.record.cause, line]),
    )
    this.byOwner = new LinesByOwner(this.lines)
    const notes = this.lines.flatMap((line) => {
      const { type, data } = line.record
      const { schedule, message } = scheduleIn(type, data)
      return schedule === undefined ? [] : [{ type, schedule, message, line }]
    })
    this.#schedules = new Map(
      notes.flatMap(({ type, schedule, line }) => (type === 'bus.scheduled' ? [[schedule, line]] : [])),
    )
    const firings = notes.filter(
      ({ type, schedule }) => type === 'bus.scheduleFired' && this.#schedules.has(schedule),
    )
    this.#sentBy = new Map(
      firings.flatMap(({ schedule, message }) => (message === undefined ? [] : [[message, schedule]])),
    )
    const bySchedule = new Map<string, Expected[]>()
    for (const { schedule, line } of firings)
      bySchedule.set(schedule, [...(bySchedule.get(schedule) ?? []), line])
    this.#firings = bySchedule
  }

  /** Whether a message caused anything. */
  isCause(id: string): boolean {
    return this.#causes.has(id)
  }

  /**
   * Whether answers that stand behind one another came in one go: a handler that waits for both goes on when both are there.
   * Those of different callers (two subscribers of an event, too) did only if they came in one moment, for the first of these
   * may have read the clock in between.
   */
  isInOneGo({ record }: Expected, { record: first }: Expected): boolean {
    const isSameCaller = record.kind === 'result' && first.kind === 'result' && record.cause === first.cause
    const isOfCommand = this.message(first.cause ?? '')?.record.kind === 'command'
    return record.time === first.time || (isSameCaller && isOfCommand)
  }

  /** Why a command was cancelled from outside after it had begun, as an error that was recorded. */
  cancelOf(id: string): { reason: unknown } | undefined {
    const note = this.#cancels.get(id)
    return note && { reason: CancelNote.safeParse(note.record.data).data?.reason }
  }

  /** Whether it ended in the moment of its cancel, with all that it waited for: nobody had looked at its signal. */
  wasGivenUp(id: string): boolean {
    const [cancel, end] = [this.#cancels.get(id), this.resultOf(id)]
    if (!cancel || !end || end.place < cancel.place) return false
    const reason = JSON.stringify(this.cancelOf(id)?.reason)
    return this.lines
      .slice(cancel.place + 1, end.place + 1)
      .every(({ record: { kind, error } }) => kind === 'result' && JSON.stringify(error) === reason)
  }

  /** Whether a command was cancelled before it was sent: it ended with its line, in nobody's hands. */
  wasNeverRun(id: string): boolean {
    const end = this.resultOf(id)
    if (!end || !isBrokenOff(end.record) || isAbandoned(end.record)) return false
    return end.record.by === undefined && this.message(id)?.place === end.place - 1
  }

  /** The note of a timer of this message. */
  noteOfTimer(id: string, read: TimeRead): Expected | undefined {
    return this.find(`note ${TIME_READ}${JSON.stringify(read)} of ${id} #1`)
  }

  /** The schedule of this run that sent a message, or could not send it: then the note of that is its line. */
  scheduleOf({ record: { id = '', type, data } }: Expected): { id: string; made: Expected } | undefined {
    const failed = type === 'bus.scheduleFired' ? scheduleIn(type, data) : undefined
    const schedule =
      this.#sentBy.get(id) ?? (failed?.message === undefined ? failed?.schedule : undefined) ?? ''
    const made = this.#schedules.get(schedule)
    return made && { id: schedule, made }
  }

  /** The note of what a schedule sends next. */
  firingOf(schedule: string): Expected | undefined {
    return this.#firings.get(schedule)?.find(({ done }) => !done)
  }

  /** Whether it tells of a schedule that an earlier run made, and this one restored. */
  isOfEarlierSchedule({ type, data }: JournalRecord): boolean {
    const { schedule } = scheduleIn(type, data)
    return schedule !== undefined && !this.#schedules.has(schedule)
  }

  /** The line that is the same thing; see {@link RecordKeys}. */
  find(key: string): Expected | undefined {
    return this.#byKey.get(key)
  }

  message(id: string): Expected | undefined {
    return this.find(`message ${id}`)
  }

  resultOf(id: string): Expected | undefined {
    return this.find(`result ${id}`)
  }
}

/** How many messages had come from outside before this one, or before the first of its chain. */
export function rootNumber(root = ''): number {
  return Number(root.slice(root.lastIndexOf('-') + 1))
}

function scheduleIn(type: string, data: unknown): { schedule?: string; message?: string | undefined } {
  return type.startsWith('bus.schedule') ? (OfSchedule.safeParse(data).data ?? {}) : {}
}
