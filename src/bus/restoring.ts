import type { Failure } from '../messages/failure.ts'
import type { JournalRecord } from './journal.ts'
import { Leftovers, printOf, type Leftover } from './leftovers.ts'
import {
  DeadLetterNote,
  LetterEndNote,
  LetterRenamedNote,
  ScheduledNote,
  ScheduleEndedNote,
  ScheduleFiredNote,
  ScheduleRenamedNote,
} from './restored-notes.ts'
import type { Plan } from './schedule.ts'

/** A dead letter as the last note of it left it. */
export interface LeftLetter extends Leftover {
  readonly kind: 'event' | 'command'
  readonly type: string
  readonly message: string
  readonly session: string | undefined
  readonly key: string
  readonly data: unknown
  readonly subscriber: string | undefined
  readonly parked: boolean
  attempts: number
  error: Failure
  time: number
}

/** A scheduled message, and where a repeating one goes on. */
export interface LeftSchedule extends Leftover, Plan {
  readonly kind: 'event' | 'command'
  readonly type: string
  readonly data: unknown
  readonly session: string | undefined
}

/**
 * What the records of earlier runs come to, read one by one in their order. It changes nothing of the bus, so that one that
 * can't be read leaves no half of it there. What is no such note is passed over.
 */
export class Restoring {
  readonly letters = new Leftovers<LeftLetter>()
  readonly schedules = new Leftovers<LeftSchedule>()

  read({ kind, type, data }: JournalRecord): void {
    if (kind !== 'note') return
    if (type === 'bus.deadLettered') this.#lettered(data)
    else if (type === 'bus.deadLetterRenamed') this.#letterRenamed(data)
    else if (/^bus\.deadLetter(?:Discarded|Redriven|Dropped)$/.test(type)) this.#letterEnded(data)
    else if (type === 'bus.scheduled') this.#scheduled(data)
    else if (type === 'bus.scheduleRenamed') this.#scheduleRenamed(data)
    else if (type === 'bus.scheduleFired') this.#fired(data)
    else if (type === 'bus.scheduleEnded') this.#scheduleEnded(data)
  }

  #lettered(data: unknown): void {
    const note = DeadLetterNote.safeParse(data)
    if (!note.success) return
    const { letter: id, again, session, subscriber, ...rest } = note.data
    const known = again ? this.letters.holder(id) : undefined
    if (!known) return this.letters.add({ ...rest, id, session, subscriber, print: printOf(data) })
    known.attempts = rest.attempts
    known.error = rest.error
    known.time = rest.time
  }

  #letterRenamed(data: unknown): void {
    const note = LetterRenamedNote.safeParse(data)
    if (note.success) this.letters.rename({ ...note.data, from: note.data.letter })
  }

  #letterEnded(data: unknown): void {
    const note = LetterEndNote.safeParse(data)
    if (note.success) this.letters.end(note.data.letter)
  }

  #scheduled(data: unknown): void {
    const note = ScheduledNote.safeParse(data)
    if (!note.success) return
    const { schedule: id, session, every, left, ...rest } = note.data
    this.schedules.add({ ...rest, id, session, every, left, print: printOf(data) })
  }

  #scheduleRenamed(data: unknown): void {
    const note = ScheduleRenamedNote.safeParse(data)
    if (note.success) this.schedules.rename({ ...note.data, from: note.data.schedule })
  }

  #fired(data: unknown): void {
    const note = ScheduleFiredNote.safeParse(data)
    if (!note.success) return
    const { schedule: id, next, left } = note.data
    const entry = this.schedules.holder(id)
    if (!entry) return
    // Not ended yet: its end is noted too, and must not be taken for that of another with this id.
    if (next === undefined) entry.over = true
    else entry.due = next
    entry.left = left
  }

  #scheduleEnded(data: unknown): void {
    const note = ScheduleEndedNote.safeParse(data)
    if (note.success) this.schedules.end(note.data.schedule)
  }
}
