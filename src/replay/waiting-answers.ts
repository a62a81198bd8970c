// Longer than 200 lines: what a recorded effect did while it ran, and what its callers see of it, in one order.
import type { Envelope, Message } from '../bus/envelope.ts'
import type { JournalRecord } from '../bus/journal.ts'
import type { Receipt } from '../bus/receipt.ts'
import type { Scope } from '../bus/scope.ts'
import { valueChanges } from '../diff/value-changes.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { CallModel, ModelAnswer, ModelAnswerSuperseded } from '../messages/model.ts'
import { AttemptFailed } from '../messages/policies.ts'
import { FindMessages } from '../messages/session.ts'
import { UsageNotCounted } from '../messages/usage.ts'
import { deltasOf } from './comparable.ts'
import { rebuiltError } from './rebuilt-error.ts'
import { isBrokenOff, type Expected, type RecordedRun } from './recorded-run.ts'
import type { ReplayClock } from './replay-clock.ts'
import type { ReplayJournal } from './replay-journal.ts'
import { messagesUpTo } from './session-memory.ts'

interface Told {
  readonly record: JournalRecord
  readonly receipt: Receipt
}

/** A command that the journal answers, and whose answer is not due yet. */
interface Waiting {
  readonly message: Message
  readonly scope: Scope
  readonly command: CommandDefinition
  /** The ordinal of the child that comes next. */
  nextChild: number
  /** What was published for the handler, though it may have been a middleware that did. */
  readonly told: Told[]
  readonly settle: { resolve: (output: unknown) => void; reject: (error: unknown) => void }
}

/** Events that a middleware tells after the handler has answered. */
const TOLD_AROUND = new Set([AttemptFailed.type, ModelAnswerSuperseded.type, UsageNotCounted.type])

/** Batches are written after so many milliseconds. */
const BATCH_MS = 250

/**
 * Answers effects from the journal, each when the replay has come to the line that its answer was recorded in, and does in
 * between what they did then: publishes their events, and writes the lines of what they executed.
 */
export class WaitingAnswers {
  #run: RecordedRun
  #journal: ReplayJournal
  #clock: ReplayClock
  #definition: (type: string) => CommandDefinition | EventDefinition | undefined
  #today: (record: JournalRecord) => JournalRecord
  #waiting = new Map<string, Waiting>()
  /** Ids of messages whose lines are written as they are, with all that they caused. */
  #copied = new Set<string>()
  /** Batches of deltas that have been published and not been written yet. */
  #streamed = new Set<Expected>()
  /** Events that nobody here knows. */
  #unheard = new Set<Expected>()
  /** By the id of an effect that has been answered; see {@link WaitingAnswers.toldBefore}. */
  #told = new Map<string, Told[]>()

  constructor(parts: {
    run: RecordedRun
    journal: ReplayJournal
    clock: ReplayClock
    definition: (type: string) => CommandDefinition | EventDefinition | undefined
    today: (record: JournalRecord) => JournalRecord
  }) {
    this.#run = parts.run
    this.#journal = parts.journal
    this.#clock = parts.clock
    this.#definition = parts.definition
    this.#today = parts.today
  }

  /** The handler in place of a command's own. */
  handler(message: Message, command: CommandDefinition) {
    const result = this.#run.resultOf(message.id)
    return {
      name: result?.record.by ?? '',
      registeredAt: 'the journal',
      run: (_input: unknown, scope: Scope): unknown => {
        const asked = this.#run.message(message.id)
        if (!asked) throw notRecorded(message)
        // At once where it came at once, so that whoever runs beside it finds it as it was.
        if (result && result.place === asked.place + 1 && !command.effect)
          return this.#outcome(command, result)
        return new Promise((resolve, reject) => {
          // Whoever reads the signal may clean up before it is given up: so may we, up to the recorded end.
          void scope.signal
          const nextChild = 1 + this.#children(message.id).filter(({ done }) => done).length
          const settle = { resolve, reject }
          this.#waiting.set(message.id, { message, scope, command, nextChild, told: [], settle })
        })
      },
    }
  }

  /** Whether the recorded line is one that this has to bring about; if so, does it. */
  take(next: Expected): boolean {
    const { record } = next
    if (this.#unheard.has(next)) {
      this.#copyOnce(next)
      return true
    }
    if (this.#isCopied(record)) {
      if (record.id !== undefined) this.#copied.add(record.id)
      this.#journal.copy(next)
      return true
    }
    if (this.#streamed.has(next)) return this.#writeBatch(next)
    const id = record.kind === 'result' ? record.of : record.cause
    const waiting = id === undefined ? undefined : this.#waiting.get(id)
    if (!waiting) return this.#beginStreamAbove(record)
    if (record.kind === 'result') this.#releaseAll(waiting, next)
    else if (this.#isToldAround(waiting, record)) {
      this.#beginUpTo(waiting, ordinalOf(record.id ?? '') - 1)
      this.#release(waiting, () => before(record, this.#run.resultOf(waiting.message.id)))
    } else this.#begin(waiting, next)
    return true
  }

  /** What subscribers do with deltas comes before the line of their batch. */
  #beginStreamAbove({ cause = '' }: JournalRecord): boolean {
    const batch = this.#run.message(cause)
    if (!batch || batch.done || this.#streamed.has(batch) || !deltasOf(batch.record.data)) return false
    const waiting = this.#waiting.get(batch.record.cause ?? '')
    if (waiting) this.#beginUpTo(waiting, ordinalOf(cause))
    return waiting !== undefined
  }

  /** The signal of the command that a result is waiting for. */
  signalOf({ of = '' }: JournalRecord): AbortSignal | undefined {
    return this.#waiting.get(of)?.scope.signal
  }

  /** From now on lines of this message are written as they are, with all that it causes. */
  copy(expected: Expected): void {
    if (expected.record.id !== undefined) this.#copied.add(expected.record.id)
    this.#journal.copy(expected)
  }

  /**
   * What was published for the handler of an effect before it was answered, and a middleware publishes now: so it was this
   * middleware that did. Once each.
   */
  toldBefore({ id }: Envelope, type: string, data: unknown): Receipt | undefined {
    const told = this.#told.get(id) ?? []
    const place = told.findIndex(
      ({ record }) => record.type === type && valueChanges(record.data, data, { limit: 1 }).length === 0,
    )
    return place < 0 ? undefined : told.splice(place, 1)[0]?.receipt
  }

  /** Ends what waits, because the replay ends. */
  endAll(error: BuslineError): void {
    for (const { settle } of this.#waiting.values()) settle.reject(error)
    this.#waiting.clear()
  }

  /** Answers that came in one go come in one go again: nothing of what the first causes stands between them. */
  #releaseAll(first: Waiting, result: Expected): void {
    for (let waiting: Waiting | undefined = first, at: Expected | undefined = result; waiting && at;) {
      const { command } = waiting
      const due = at
      this.#release(waiting, () => this.#outcome(command, due))
      at = this.#run.lines[at.place + 1]
      waiting = at?.record.kind === 'result' ? this.#waiting.get(at.record.of ?? '') : undefined
      // What was broken off waits until whatever broke it off has come about.
      if (at && waiting && isBrokenOff(at.record) && !waiting.scope.signal.aborted) waiting = undefined
    }
  }

  #release(waiting: Waiting, outcome: () => unknown): void {
    const { message, settle } = waiting
    this.#waiting.delete(message.id)
    if (waiting.told.length > 0) this.#told.set(message.id, waiting.told)
    try {
      settle.resolve(outcome())
    } catch (error) {
      settle.reject(error)
    }
  }

  #outcome(command: CommandDefinition, { record: recorded, place }: Expected): unknown {
    const record = this.#today(recorded)
    if (record.status !== 'ok') throw rebuiltError(record.error)
    if (command.type !== FindMessages.type) return record.output
    const end = this.#run.lines[place]
    const known = end ? messagesUpTo(this.#run, end) : undefined
    const ids: unknown[] = Array.isArray(record.output) ? record.output : []
    return ids.map((id) => known?.get(String(id)) ?? { id, role: 'user', content: null })
  }

  /** A line that a middleware writes once the handler has answered, so that the answer comes before it. */
  #isToldAround({ message }: Waiting, { kind, type }: JournalRecord): boolean {
    return TOLD_AROUND.has(type) || (kind === 'command' && message.type === CallModel.type)
  }

  /** Does what the handler did, up to this line: ids are given in the order of the ordinals, lines may come later. */
  #begin(waiting: Waiting, next: Expected): void {
    if (next.record.id === undefined) {
      this.#journal.copy(next)
      return
    }
    this.#beginUpTo(waiting, ordinalOf(next.record.id))
    if (this.#isCopied(next.record) || this.#unheard.has(next)) this.#copyOnce(next)
  }

  #beginUpTo(waiting: Waiting, last: number): void {
    const { message } = waiting
    while (waiting.nextChild <= last) {
      const child = this.#run.message(`${message.id}.${waiting.nextChild++}`)
      // An id that was drawn and never written.
      if (!child) message.childId()
      else if (!this.#send(waiting, child)) {
        const id = message.childId()
        // What was caused by an event that nobody hears any more has to be missing.
        if (child.record.kind === 'event') {
          this.#unheard.add(child)
          waiting.told.push({ record: child.record, receipt: unheard(id) })
        } else this.#copied.add(id)
      }
    }
  }

  /** Publishes or executes again what a handler did; false for what nobody here can hear of. */
  #send({ scope, told }: Waiting, child: Expected): boolean {
    const { kind, type, data, time } = this.#today(child.record)
    const definition = this.#definition(type)
    if (!definition || definition.kind !== kind) return false
    if (definition.kind === 'command') {
      // What a session holds is followed by others; of everything else they see the result.
      if (!type.startsWith('session.') || definition.record) return false
      void scope.execute(definition, data).catch(() => undefined)
      return true
    }
    const deltas = definition.stream ? deltasOf(data) : undefined
    try {
      if (!deltas) told.push({ record: child.record, receipt: scope.publish(definition, data) })
      for (const [dt, text] of deltas ?? [])
        this.#clock.at(time + dt, () => void scope.publish(definition, { text }))
      if (deltas && !child.done) this.#streamed.add(child)
      return true
    } catch {
      // Data without its secrets need not fit its schema any more.
      return false
    }
  }

  /** A batch is written with the result of its command, or after a while. */
  #writeBatch(batch: Expected): boolean {
    const { cause } = batch.record
    const waiting = cause === undefined ? undefined : this.#waiting.get(cause)
    let place = batch.place + 1
    let then = this.#run.lines[place]
    while (then && (then.done || this.#streamed.has(then))) then = this.#run.lines[++place]
    const result = waiting && this.#run.resultOf(waiting.message.id)
    if (waiting && then && then === result) {
      this.#release(waiting, () => this.#outcome(waiting.command, then))
      return true
    }
    return this.#clock.ring(batch.record.time + BATCH_MS)
  }

  #copyOnce(next: Expected): void {
    if (!next.done) this.#journal.copy(next)
  }

  #isCopied({ kind, of, cause, id }: JournalRecord): boolean {
    if (id !== undefined && this.#copied.has(id)) return true
    const above = kind === 'result' ? of : cause
    return above !== undefined && this.#copied.has(above)
  }

  #children(id: string): Expected[] {
    const children: Expected[] = []
    for (
      let ordinal = 1, child = this.#run.message(`${id}.1`);
      child;
      child = this.#run.message(`${id}.${ordinal}`)
    ) {
      children.push(child)
      ordinal++
    }
    return children
  }
}

/** What the handler answered before a middleware made something else of it, as far as the journal tells. */
function before({ type, data }: JournalRecord, result: Expected | undefined): unknown {
  if (type === AttemptFailed.type) throw rebuiltError(AttemptFailed.data.parse(data).error)
  if (type === UsageNotCounted.type) {
    if (result?.record.status === 'ok') return result.record.output
    throw rebuiltError(result?.record.error)
  }
  // Nested model calls mend an answer: the one before had this text, and the usage that the whole call tells of.
  const text = type === ModelAnswerSuperseded.type ? ModelAnswerSuperseded.data.parse(data).text : ''
  const answer = ModelAnswer.safeParse(result?.record.output)
  const message = { role: 'assistant', content: text }
  if (answer.success)
    return { ...answer.data, message: { ...answer.data.message, content: text }, output: undefined }
  return { message, finishReason: 'stop', usage: null, model: null }
}

/** Of an event that nobody here knows. */
function unheard(id: string): Receipt {
  const report = { delivered: 0, failed: 0, skipped: 0, dropped: 0 }
  return { id, accepted: Promise.resolve(), settled: Promise.resolve(report) }
}

function ordinalOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}

function notRecorded({ type, id }: Message): BuslineError {
  return new BuslineError(
    'REPLAY_DIVERGED',
    `The journal has no ${type} ${id}, so there is nothing to answer it with.`,
    {
      data: { type, id },
    },
  )
}
