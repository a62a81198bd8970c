import type { Envelope, Message } from '../bus/envelope.ts'
import type { JournalRecord } from '../bus/journal.ts'
import type { Receipt } from '../bus/receipt.ts'
import type { Scope } from '../bus/scope.ts'
import { valueChanges } from '../diff/value-changes.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { FindMessages } from '../messages/session.ts'
import { answerBefore, isToldAround } from './answer-before.ts'
import { deltasOf } from './comparable.ts'
import { CopiedLines } from './copied-lines.ts'
import { EffectWork, ordinalOf, type OpenEffect, type Told } from './effect-work.ts'
import { isBrokenOff } from './line-kinds.ts'
import { rebuiltError } from './rebuilt-error.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import type { ReplayClock } from './replay-clock.ts'
import type { ReplayJournal } from './replay-journal.ts'
import { messagesUpTo } from './session-memory.ts'
import { StreamedBatches } from './streamed-batches.ts'

/** A command that the journal answers, and whose answer is not due yet. */
interface Waiting extends OpenEffect {
  readonly command: CommandDefinition
  readonly settle: { resolve: (output: unknown) => void; reject: (error: unknown) => void }
}

/** Batches are written after so many milliseconds. */
const BATCH_MS = 250

/**
 * Answers effects from the journal, each when the replay has come to the line that its answer was recorded in, and does in
 * between what they did then.
 */
export class WaitingAnswers {
  readonly copied: CopiedLines
  readonly batches: StreamedBatches
  #run: RecordedRun
  #clock: ReplayClock
  #today: (record: JournalRecord) => JournalRecord
  #work: EffectWork
  #waiting = new Map<string, Waiting>()
  /** By the id of an effect that has been answered; see {@link WaitingAnswers.toldBefore}. */
  #told = new Map<string, Told[]>()

  constructor(parts: {
    run: RecordedRun
    journal: ReplayJournal
    clock: ReplayClock
    definition: (type: string) => CommandDefinition | EventDefinition | undefined
    today: (record: JournalRecord) => JournalRecord
  }) {
    this.copied = new CopiedLines(parts.journal)
    this.batches = new StreamedBatches(parts.run)
    this.#run = parts.run
    this.#clock = parts.clock
    this.#today = parts.today
    this.#work = new EffectWork({ ...parts, copied: this.copied, batches: this.batches })
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
          if (!this.#run.wasGivenUp(message.root)) void scope.signal
          const nextChild = this.#work.firstChild(message)
          const settle = { resolve, reject }
          this.#waiting.set(message.id, { message, scope, command, nextChild, told: [], settle })
        })
      },
    }
  }

  /** Whether the recorded line is one that this has to bring about; if so, does it. */
  take(next: Expected): boolean {
    const { record } = next
    if (this.copied.take(next)) return true
    if (this.batches.has(next)) return this.#writeBatch(next)
    const id = record.kind === 'result' ? record.of : record.cause
    const waiting = id === undefined ? undefined : this.#waiting.get(id)
    if (!waiting) return this.#beginStreamAbove(record)
    const { message, command } = waiting
    if (record.kind === 'result') this.#releaseAll(waiting, next)
    else if (isToldAround(command.type, record)) {
      this.#work.upTo(waiting, ordinalOf(record.id ?? '') - 1)
      this.#release(waiting, () => answerBefore(record, this.#run.resultOf(message.id)))
    } else this.#work.upToLine(waiting, next)
    return true
  }

  /** The signal of the command that a result is waiting for. */
  signalOf({ of = '' }: JournalRecord): AbortSignal | undefined {
    return this.#waiting.get(of)?.scope.signal
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

  /** What subscribers do with deltas comes before the line of their batch. */
  #beginStreamAbove({ cause = '' }: JournalRecord): boolean {
    const batch = this.#run.message(cause)
    if (!batch || batch.done || this.batches.has(batch) || !deltasOf(batch.record.data)) return false
    const waiting = this.#waiting.get(batch.record.cause ?? '')
    if (waiting) this.#work.upTo(waiting, ordinalOf(cause))
    return waiting !== undefined
  }

  /** Answers that came in one go come in one go again: nothing of what the first causes stands between them. */
  #releaseAll(first: Waiting, result: Expected): void {
    let at: Expected | undefined = result
    for (let waiting: Waiting | undefined = first; waiting && at && this.#run.isInOneGo(at, result);) {
      const { command } = waiting
      const due: Expected = at
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

  /** A batch is written with the result of its command, or after a while. */
  #writeBatch(batch: Expected): boolean {
    const waiting = this.#waiting.get(batch.record.cause ?? '')
    const then = this.batches.behind(batch)
    const result = waiting && this.#run.resultOf(waiting.message.id)
    if (waiting && then && then === result) {
      this.#release(waiting, () => this.#outcome(waiting.command, then))
      return true
    }
    return this.#clock.ring(batch.record.time + BATCH_MS)
  }
}

function notRecorded({ type, id }: Message): BuslineError {
  return new BuslineError(
    'REPLAY_DIVERGED',
    `The journal has no ${type} ${id}, so there is nothing to answer it with.`,
    { data: { type, id } },
  )
}
