// Longer than 200 lines: what waits, its timers and its notes have to agree.
import { failureOf } from '../messages/failure.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith } from '../messages/schema.ts'
import { attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { printOf, type Leftovers } from './leftovers.ts'
import type { Origin } from './message-scope.ts'
import type { LeftSchedule } from './restoring.ts'
import { nextDue, planOf, type Schedulable, type Scheduled, type Timing } from './schedule.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** A timer is set for an hour at most: a wall clock that was put forward is noticed by then. */
const LONGEST_WAIT = 3_600_000

/** Its data is as it was given, not parsed: it is parsed when it is sent. */
interface Entry extends LeftSchedule {
  /** An earlier run made it. */
  readonly restored: boolean
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
    const { routes, clock, environment, recorder, redactor } = this.#core
    const { kind, type } = definition
    if (kind === 'command') routes.command(definition)
    else routes.event(definition)
    const refusal = this.#core.refusal(type, origin.from)
    if (refusal) throw refusal
    assertSendable(definition, given)

    const by = origin.from
    const plan = planOf(timing, () => (by ? clock.read(by) : environment.now()))
    const id = this.#newId()
    // A copy, because the journal has it as it is now.
    const data = structuredClone(given)
    const { session } = origin
    const { due, every, left, late } = plan
    const note = {
      schedule: id,
      kind,
      type,
      session,
      data: routes.maskedGiven(type, data),
      due,
      every,
      left,
      late,
    }
    const print = recorder.on ? printOf(note, (value) => redactor.json(value)) : ''
    const entry: Entry = { ...plan, id, kind, type, data, session, print, restored: false, timer: undefined }
    this.#entries.set(id, entry)
    recorder.note('scheduled', note, by?.message)
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

  /**
   * Takes over what earlier runs left, and sets the timers by the policy for what is late. Returns how many came. One whose
   * id is taken, because both runs drew the same prefix, gets another.
   */
  restore(left: Leftovers<LeftSchedule>): number {
    for (const id of left.ended) this.#endRestored(id)
    const found = left.settle({
      known: [...this.#entries.values()],
      newId: () => this.#newId(),
      onRename: ({ from, to, print }) =>
        this.#core.recorder.note('scheduleRenamed', { schedule: from, to, print }),
    })
    const restored = found.map((one): Entry => ({ ...one, restored: true, timer: undefined }))
    for (const entry of restored) this.#entries.set(entry.id, entry)
    for (const entry of byDue(restored)) this.#resume(entry)
    return restored.length
  }

  /** It came back with an earlier `restore`, and only these records tell that it had ended. */
  #endRestored(id: string): void {
    const entry = this.#entries.get(id)
    if (!entry?.restored) return
    entry.timer?.()
    this.#entries.delete(id)
  }

  #resume(entry: Entry): void {
    const now = this.#core.environment.now()
    const tolerated = entry.late === 'run' ? Infinity : entry.late === 'skip' ? 0 : entry.late
    if (now - entry.due > tolerated) {
      if (entry.every === undefined) return this.#end(entry, 'late')
      entry.due = nextDue(entry, now)
    }
    this.#wait(entry)
  }

  #wait(entry: Entry): void {
    const { environment, replaying, state } = this.#core
    // A bus that stops sends no more; the schedule stays in the journal for the next run.
    if (state !== 'running') return
    if (replaying) {
      entry.timer = replaying.whenDue(entry.id, () => this.#fire(entry))
      return
    }
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
    else entry.due = this.#core.replaying?.dueAfter(entry.id) ?? nextDue(entry, this.#core.environment.now())
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
