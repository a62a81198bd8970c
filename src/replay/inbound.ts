import type { JournalRecord } from '../bus/journal.ts'
import { ScheduledNote, ScheduleEndedNote } from '../bus/restored-notes.ts'
import type { Sender } from '../bus/scope.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import { failureOf } from '../messages/failure.ts'
import { deltasOf } from './comparable.ts'
import { rebuiltError } from './rebuilt-error.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import { NOT_SCHEDULED } from './replay-report.ts'
import type { ReplayedBus } from './replayed-bus.ts'

/** `sent`, nothing to send, or why it is missing: nobody here knows such a message, or it does not fit any more. */
export type Injected = 'sent' | 'opaque' | { missing: string }

/** Sends again what came from outside. */
export class Inbound {
  #run: RecordedRun
  #on: ReplayedBus
  #sessions = new Map<string, Sender>()
  /** How to cancel what was cancelled from outside. */
  #cancels = new Map<string, AbortController>()

  constructor(run: RecordedRun, on: ReplayedBus) {
    this.#run = run
    this.#on = on
  }

  /** Sends the message of a line that no other caused. */
  inject(expected: Expected): Injected {
    const record = this.#on.today(expected.record)
    const { kind, type, id = '', data, session } = record
    if (this.#run.isOfEarlierSchedule(record)) return 'opaque'
    const schedule = this.#run.scheduleOf(expected)
    if (schedule) {
      if (this.#on.sendScheduled(schedule.id)) return 'sent'
      // Where nobody made it, it was an effect that did; else it comes as if from outside.
      if (!this.#on.journal.isMade(schedule.made)) return { missing: NOT_SCHEDULED }
    }
    if (type === 'bus.scheduleFired') return 'opaque'
    if (type === 'bus.scheduled') return this.#schedule(data)
    if (type === 'bus.scheduleEnded') return this.#cancelSchedule(data)
    // What was refused stands nowhere.
    if (type === 'bus.rejected') return 'opaque'
    const sender = this.#sender(session)
    const definition = this.#on.definition(type)
    if (!definition || definition.kind !== kind) {
      // Nobody heard it then, or handled it.
      const wasUnhandled = this.#run.resultOf(id)?.record.error?.code === 'NO_HANDLER'
      const isOpaque = wasUnhandled || (kind === 'event' && !this.#run.isCause(id))
      return isOpaque ? 'opaque' : { missing: `The app handles no ${type}.` }
    }
    if (definition.kind === 'command') {
      // Its line is a form of its input, from which that can't be had again.
      if (definition.record) return 'opaque'
      this.#execute(definition, record)
      return 'sent'
    }
    const deltas = definition.stream ? deltasOf(data) : undefined
    try {
      if (!deltas) sender.publish(definition, data)
      for (const [dt, text] of deltas ?? [])
        this.#on.clock.at(record.time + dt, () => void sender.publish(definition, { text }))
      return 'sent'
    } catch (error) {
      // The bus has noted it; data without its secrets need not fit its schema either.
      return { missing: failureOf(error).message }
    }
  }

  /** Cancels a command that was cancelled from outside; false for one that the replay has not sent. */
  cancel(id: string): boolean {
    const controller = this.#cancels.get(id)
    if (!controller || controller.signal.aborted) return false
    controller.abort(rebuiltError(this.#run.cancelOf(id)?.reason))
    return true
  }

  #execute(command: CommandDefinition, { id = '', data, session, turn }: JournalRecord): void {
    const signal = this.#signalOf(id)
    // A session's signal reaches what goes on after the command has ended, as that of the run may have.
    const sender =
      signal && session !== undefined ? this.#on.bus.session(session, { signal }) : this.#sender(session)
    const options = { signal, turn: command.startsTurn ? undefined : turn }
    sender.execute(command, data, options).catch(() => undefined)
  }

  #signalOf(id: string): AbortSignal | undefined {
    if (this.#run.cancelOf(id)) {
      const controller = new AbortController()
      this.#cancels.set(id, controller)
      return controller.signal
    }
    return this.#run.wasNeverRun(id)
      ? AbortSignal.abort(rebuiltError(this.#run.resultOf(id)?.record.error))
      : undefined
  }

  #sender(session: string | undefined): Sender {
    if (session === undefined) return this.#on.bus
    const known = this.#sessions.get(session) ?? this.#on.bus.session(session)
    this.#sessions.set(session, known)
    return known
  }

  #cancelSchedule(data: unknown): Injected {
    const note = ScheduleEndedNote.safeParse(data)
    return note.success && this.#on.bus.schedules.cancel(note.data.schedule) ? 'sent' : 'opaque'
  }

  #schedule(data: unknown): Injected {
    const note = ScheduledNote.safeParse(data)
    const definition = note.success ? this.#on.definition(note.data.type) : undefined
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
