import { failureOf } from '../messages/failure.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith } from '../messages/schema.ts'
import { attempt } from './attempt.ts'
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

/**
 * Sends messages when they are due, at least once: one is sent, then noted, so what a killed process did not note is sent
 * again after `restore`. Each begins a chain of its own; notes in the journal tell which schedule sent it.
 */
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
    return byDue([...this.#entries.values()]).map((entry) => this.#handle(entry))
  }

  cancel(id: string): boolean {
    const entry = this.#entries.get(id)
    // Once the journal is closed there is nowhere to note it: the next run would bring it back.
    if (!entry || this.#core.state === 'stopped') return false
    this.#end(entry, 'cancelled')
    return true
  }

  async add(definition: Schedulable, given: unknown, timing: Timing, origin: Origin): Promise<Scheduled> {
    const { routes, environment, recorder } = this.#core
    const { kind, type } = definition
    if (kind === 'command') routes.command(definition)
    else routes.event(definition)
    const refusal = this.#core.refusal(type, origin.from)
    if (refusal) throw refusal
    assertSendable(definition, given)

    const plan = planOf(timing, environment.now())
    const id = this.#newId()
    // A copy, because the journal has it as it is now.
    const data = structuredClone(given)
    const { session } = origin
    const entry: Entry = { ...plan, id, kind, type, data, session, timer: undefined }
    this.#entries.set(id, entry)
    const { due, every, left, late } = entry
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
    try {
      await recorder.flush()
    } catch (error) {
      // The caller is told that it failed, so it must not be sent; the line may arrive in the file all the same.
      this.cancel(id)
      throw error
    }
    if (this.#has(entry) && !entry.timer) this.#wait(entry)
    return this.#handle(entry)
  }

  /** Stops all timers. What waits is in the journal, and comes back with `restore`; running work may yet cancel it. */
  close(): void {
    for (const entry of this.#entries.values()) {
      entry.timer?.()
      entry.timer = undefined
    }
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
      const { next, left } = fired.data
      entry.left = left
      if (next === undefined) this.#entries.delete(entry.id)
      else entry.due = next
    } else if (record.type === 'bus.scheduleEnded') {
      const ended = ScheduleEndedNote.safeParse(record.data)
      if (ended.success) this.#entries.get(ended.data.schedule)?.timer?.()
      if (ended.success) this.#entries.delete(ended.data.schedule)
    }
  }

  /** After restoring: sets the timers of what came back, by the policy for what is late. Returns how many came. */
  resume(): number {
    const restored = byDue([...this.#entries.values()].filter(({ timer }) => !timer))
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
    const { environment, state } = this.#core
    // A bus that stops sends no more; the schedule stays in the journal for the next run.
    if (state !== 'running') return
    const left = Math.max(0, entry.due - environment.now())
    entry.timer = environment.after(Math.min(left, LONGEST_WAIT), () => {
      if (environment.now() < entry.due && left > LONGEST_WAIT) this.#wait(entry)
      else this.#fireUntil(entry.due)
    })
  }

  /** In order: timers that were set in different milliseconds for the same one ring in any. */
  #fireUntil(due: number): void {
    const ready = [...this.#entries.values()].filter((entry) => entry.timer && entry.due <= due)
    for (const entry of byDue(ready)) this.#fire(entry)
  }

  #fire(entry: Entry): void {
    if (this.#core.state !== 'running' || !this.#has(entry)) return
    entry.timer?.()
    const definition = this.#core.routes.definition(entry.type)
    if (!definition) return this.#undefinedYet(entry)

    // Before it is sent, because a handler that runs at once may look at it, or take it back.
    if (entry.left !== undefined) entry.left--
    const isLast = entry.every === undefined || entry.left === 0
    if (isLast) this.#entries.delete(entry.id)
    else entry.due = nextDue(entry, this.#core.environment.now())
    const { id: schedule, left } = entry
    const next = isLast ? undefined : entry.due

    const sent = attempt(() => this.#send(definition, entry))
    const outcome = sent.ok ? { message: sent.value } : { error: failureOf(sent.error) }
    this.#core.recorder.note('scheduleFired', { schedule, ...outcome, next, left })
    if (isLast) this.#core.recorder.note('scheduleEnded', { schedule, how: 'done' })
    else if (this.#has(entry)) this.#wait(entry)
  }

  /** It came back before anybody handles or hears its type: kept, and tried again a second later. */
  #undefinedYet(entry: Entry): void {
    entry.timer = this.#core.environment.after(1000, () => this.#fire(entry))
  }

  #end(entry: Entry, how: 'cancelled' | 'late'): void {
    entry.timer?.()
    this.#entries.delete(entry.id)
    this.#core.recorder.note('scheduleEnded', { schedule: entry.id, how })
  }

  #has(entry: Entry): boolean {
    return this.#entries.get(entry.id) === entry
  }

  /** Another than those that came back, also when a run draws the prefix of an earlier one. */
  #newId(): string {
    let id: string
    do id = `${this.#core.prefix}-schedule-${++this.#count}`
    while (this.#entries.has(id))
    return id
  }

  #handle(entry: Entry): Scheduled {
    const cancel = (): boolean => this.#has(entry) && this.cancel(entry.id)
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

/** The next due first; of two due at once, the one that was scheduled first. */
function byDue(entries: Entry[]): Entry[] {
  return entries.toSorted((a, b) => a.due - b.due)
}

/** What would be refused when its time has come is refused now. */
function assertSendable(definition: Schedulable, data: unknown): void {
  const { kind, type } = definition
  const what = `The scheduled ${type}`
  const parsed = parseWith(kind === 'command' ? definition.input : definition.data, data, what)
  if (data !== undefined) assertLosslessJson(data, what)
  if (kind === 'event' || (!definition.record && parsed !== undefined)) assertLosslessJson(parsed, what)
}
