import type { MessageBus } from '../bus/message-bus.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { ScheduledNote, ScheduleEndedNote } from '../bus/restored-notes.ts'
import type { Sender } from '../bus/scope.ts'
import { valueChanges } from '../diff/value-changes.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { failureOf } from '../messages/failure.ts'
import { deltasOf } from './comparable.ts'
import { rebuiltError } from './rebuilt-error.ts'
import { isAbandoned, isBrokenOff, type Expected, type RecordedRun } from './recorded-run.ts'
import type { ReplayClock } from './replay-clock.ts'

/** `sent`, nothing to send, or not to be sent because nobody here knows such a message. */
export type Injected = 'sent' | 'opaque' | 'unknown'

/** Sends again what came from outside. */
export class Inbound {
  #run: RecordedRun
  #clock: ReplayClock
  #bus: () => MessageBus
  #definition: (type: string) => CommandDefinition | EventDefinition | undefined
  #today: (record: JournalRecord) => JournalRecord
  #sessions = new Map<string, Sender>()
  /** How to cancel what was cancelled from outside. */
  #cancels = new Map<string, AbortController>()

  constructor(parts: {
    run: RecordedRun
    clock: ReplayClock
    bus: () => MessageBus
    definition: (type: string) => CommandDefinition | EventDefinition | undefined
    today: (record: JournalRecord) => JournalRecord
  }) {
    this.#run = parts.run
    this.#clock = parts.clock
    this.#bus = parts.bus
    this.#definition = parts.definition
    this.#today = parts.today
  }

  /** Sends the message of a line that no other caused. */
  inject(expected: Expected): Injected {
    const record = this.#today(expected.record)
    const { kind, type, id = '', data, session, turn } = record
    if (this.#run.isOfEarlierSchedule(record)) return 'opaque'
    if (type === 'bus.scheduled') return this.#schedule(data)
    if (type === 'bus.scheduleEnded') return this.#cancelSchedule(data)
    // What was refused stands nowhere.
    if (type === 'bus.rejected') return 'opaque'
    const sender = this.#sender(session)
    const definition = this.#definition(type)
    if (!definition || definition.kind !== kind) {
      // Nobody heard it then, or handled it.
      const wasUnhandled = this.#run.resultOf(id)?.record.error?.code === 'NO_HANDLER'
      return wasUnhandled || (kind === 'event' && !this.#run.isCause(id)) ? 'opaque' : 'unknown'
    }
    if (definition.kind === 'command') {
      // Its line is a form of its input, from which that can't be had again.
      if (definition.record) return 'opaque'
      const signal = this.#cancelOf(id)
      const options = {
        ...(signal && { signal }),
        ...(!definition.startsTurn && turn !== undefined && { turn }),
      }
      sender.execute(definition, data, options).catch(() => undefined)
      return 'sent'
    }
    const deltas = definition.stream ? deltasOf(data) : undefined
    if (!deltas) sender.publish(definition, data)
    for (const [dt, text] of deltas ?? [])
      this.#clock.at(record.time + dt, () => void sender.publish(definition, { text }))
    return 'sent'
  }

  /** Cancels from outside what was cancelled there, if this result tells of it; whether it did. */
  cancelFor({ record: { root = '', error } }: Expected): boolean {
    const outcome = this.#run.resultOf(root)?.record.error
    if (outcome === undefined || valueChanges(failed(error), failed(outcome), { limit: 1 }).length > 0)
      return false
    return this.cancel(root)
  }

  /** Cancels a command from outside, if it was cancelled there and is not yet; whether it did. */
  cancel(id: string): boolean {
    const outcome = this.#run.resultOf(id)?.record
    return outcome !== undefined && isBrokenOff(outcome) && this.#abort(id, rebuiltError(outcome.error))
  }

  /** The same for one that went on until it ended well, but had something below it cleaned up. */
  cancelAbove({ record: { root = '', status } }: Expected): boolean {
    if (this.cancel(root)) return true
    const reason =
      status === 'timeout'
        ? new BuslineError('TIMED_OUT', 'Its time was up.')
        : new BuslineError('CANCELLED', 'The caller cancelled it.')
    return this.#abort(root, reason)
  }

  #abort(id: string, reason: unknown): boolean {
    const controller = this.#cancels.get(id)
    if (!controller || controller.signal.aborted) return false
    controller.abort(reason)
    return true
  }

  #cancelOf(id: string): AbortSignal | undefined {
    const outcome = this.#run.resultOf(id)?.record
    const isCancelled = outcome !== undefined && isBrokenOff(outcome) && !isAbandoned(outcome)
    if (!isCancelled && !this.#run.brokenOff.has(id)) return undefined
    const controller = new AbortController()
    this.#cancels.set(id, controller)
    return controller.signal
  }

  #sender(session: string | undefined): Sender {
    if (session === undefined) return this.#bus()
    const known = this.#sessions.get(session) ?? this.#bus().session(session)
    this.#sessions.set(session, known)
    return known
  }

  #cancelSchedule(data: unknown): Injected {
    const note = ScheduleEndedNote.safeParse(data)
    return note.success && this.#bus().schedules.cancel(note.data.schedule) ? 'sent' : 'opaque'
  }

  #schedule(data: unknown): Injected {
    const note = ScheduledNote.safeParse(data)
    const definition = note.success ? this.#definition(note.data.type) : undefined
    if (!note.success || !definition) return 'opaque'
    const { data: given, session, due, every, left, late } = note.data
    const sender = this.#sender(session)
    const timing = {
      at: due,
      late,
      ...(every !== undefined && { every }),
      ...(left !== undefined && { times: left }),
    }
    const scheduling =
      definition.kind === 'command'
        ? sender.schedule(definition, given, timing)
        : sender.schedule(definition, given, timing)
    scheduling.catch(() => undefined)
    return 'sent'
  }
}

/** Two failures are the same when they tell the same, whatever they were caused by. */
function failed(error: unknown): { code: string; message: string } {
  const { code, message } = failureOf(rebuiltError(error))
  return { code, message }
}
