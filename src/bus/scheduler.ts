import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith } from '../messages/schema.ts'
import type { Core } from './core.ts'
import type { JournalRecord } from './journal.ts'
import type { Origin } from './message-scope.ts'
import { ScheduledNote, ScheduleEndedNote, ScheduleFiredNote } from './restored-notes.ts'
import { nextDue, planOf, type Plan, type Schedulable, type Scheduled, type Timing } from './schedule.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** A timer is set for an hour at most: a wall clock that was put forward is noticed by then. */
const LONGEST_WAIT = 3_600_000

interface Entry extends Plan {
  readonly id: string
  readonly kind: 'command' | 'event'
  readonly type: string
  /** As it was given, not parsed: it is parsed when it is sent. */
  readonly data: unknown
  readonly session: string | undefined
  timer: Unsubscribe | undefined
}

/** The scheduled messages of a bus. */
export interface Schedules {
  /** What waits, the next due first. */
  list(): Scheduled[]
  /** Takes one back; false if there is none of that id. */
  cancel(id: string): boolean
}

/** Sends messages when they are due. Each begins a chain of its own; notes in the journal tell which schedule sent it. */
export class Scheduler implements Schedules {
  #core: Core
  /** Sends a message from outside; returns its id. */
  #send: (definition: Schedulable, entry: { data: unknown; session: string | undefined }) => string
  #entries = new Map<string, Entry>()
  #count = 0

  constructor(parts: {
    core: Core
    send: (definition: Schedulable, entry: { data: unknown; session: string | undefined }) => string
  }) {
    this.#core = parts.core
    this.#send = parts.send
  }

  list(): Scheduled[] {
    return [...this.#entries.values()].toSorted((a, b) => a.due - b.due).map((entry) => this.#handle(entry))
  }

  cancel(id: string): boolean {
    const entry = this.#entries.get(id)
    if (!entry) return false
    this.#end(entry, 'cancelled')
    return true
  }

  async add(definition: Schedulable, data: unknown, timing: Timing, origin: Origin): Promise<Scheduled> {
    const { routes, environment, recorder, prefix } = this.#core
    const { kind, type } = definition
    if (kind === 'command') routes.command(definition)
    else routes.event(definition)
    const refusal = this.#core.refusal(type, origin.from)
    if (refusal) throw refusal
    const what = `The scheduled ${type}`
    parseWith(kind === 'command' ? definition.input : definition.data, data, what)
    assertLosslessJson(data, what)

    const plan = planOf(timing, environment.now())
    const id = `${prefix}-schedule-${++this.#count}`
    const entry: Entry = { ...plan, id, kind, type, data, session: origin.session, timer: undefined }
    this.#entries.set(id, entry)
    const { due, every, left, late, session } = entry
    const note = {
      schedule: id,
      kind,
      type,
      session,
      data: routes.masked(type, data),
      due,
      every,
      left,
      late,
    }
    recorder.note('scheduled', note, origin.from?.message)
    this.#wait(entry)
    await recorder.flush()
    return this.#handle(entry)
  }

  /** Stops all timers. What waits is in the journal, and comes back with `restore`. */
  close(): void {
    for (const { timer } of this.#entries.values()) timer?.()
    this.#entries.clear()
  }

  /** Takes over what an earlier run left, told by the records of its journal in their order. */
  restore(record: JournalRecord): void {
    if (record.type === 'bus.scheduled') {
      const note = ScheduledNote.safeParse(record.data)
      if (!note.success || this.#entries.has(note.data.schedule)) return
      const { schedule: id, session, every, left, ...rest } = note.data
      this.#entries.set(id, { ...rest, id, session, every, left, timer: undefined })
    } else if (record.type === 'bus.scheduleFired') {
      const fired = ScheduleFiredNote.safeParse(record.data)
      const entry = fired.success ? this.#entries.get(fired.data.schedule) : undefined
      if (!entry || !fired.success) return
      entry.left = fired.data.left
      if (fired.data.next !== undefined) entry.due = fired.data.next
    } else if (record.type === 'bus.scheduleEnded') {
      const ended = ScheduleEndedNote.safeParse(record.data)
      if (ended.success) this.#entries.get(ended.data.schedule)?.timer?.()
      if (ended.success) this.#entries.delete(ended.data.schedule)
    }
  }

  /** After restoring: sets the timers of what came back, by the policy for what is late. Returns how many came. */
  resume(): number {
    const restored = [...this.#entries.values()].filter(({ timer }) => !timer)
    for (const entry of restored) {
      const late = this.#core.environment.now() - entry.due
      const tolerated = entry.late === 'run' ? Infinity : entry.late === 'skip' ? 0 : entry.late
      if (late <= tolerated) this.#wait(entry)
      else if (entry.every === undefined) this.#end(entry, 'late')
      else {
        entry.due = nextDue(entry, this.#core.environment.now())
        this.#wait(entry)
      }
    }
    return restored.length
  }

  #wait(entry: Entry): void {
    const { environment } = this.#core
    const left = Math.max(0, entry.due - environment.now())
    entry.timer = environment.after(Math.min(left, LONGEST_WAIT), () => {
      if (environment.now() < entry.due && left > LONGEST_WAIT) this.#wait(entry)
      else this.#fire(entry)
    })
  }

  #fire(entry: Entry): void {
    // A bus that stops sends no more; the schedule stays in the journal for the next run.
    if (this.#core.state !== 'running') return
    const definition = this.#core.routes.definition(entry.type)
    if (!definition) return this.#undefinedYet(entry)

    const message = this.#send(definition, entry)
    if (entry.left !== undefined) entry.left--
    const isLast = entry.every === undefined || entry.left === 0
    if (!isLast) entry.due = nextDue(entry, this.#core.environment.now())
    const next = isLast ? undefined : entry.due
    this.#core.recorder.note('scheduleFired', { schedule: entry.id, message, next, left: entry.left })
    if (isLast) this.#end(entry, 'done')
    else this.#wait(entry)
  }

  /** It came back before anybody handles or hears its type: kept, and tried again a second later. */
  #undefinedYet(entry: Entry): void {
    entry.timer = this.#core.environment.after(1000, () => this.#fire(entry))
  }

  #end(entry: Entry, how: 'done' | 'cancelled' | 'late'): void {
    entry.timer?.()
    this.#entries.delete(entry.id)
    this.#core.recorder.note('scheduleEnded', { schedule: entry.id, how })
  }

  #handle(entry: Entry): Scheduled {
    const cancel = (): boolean => this.#entries.get(entry.id) === entry && this.cancel(entry.id)
    return {
      id: entry.id,
      kind: entry.kind,
      type: entry.type,
      get due() {
        return entry.due
      },
      cancel,
      [Symbol.dispose]: () => void cancel(),
    }
  }
}
