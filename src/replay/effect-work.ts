import type { Message } from '../bus/envelope.ts'
import type { JournalRecord } from '../bus/journal.ts'
import type { Receipt } from '../bus/receipt.ts'
import type { Scope } from '../bus/scope.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { deltasOf } from './comparable.ts'
import type { CopiedLines } from './copied-lines.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import type { ReplayClock } from './replay-clock.ts'
import type { ReplayJournal } from './replay-journal.ts'
import type { StreamedBatches } from './streamed-batches.ts'

/** What was published in the name of an effect. */
export interface Told {
  readonly record: JournalRecord
  readonly receipt: Receipt
}

/** An effect whose answer is not due yet. */
export interface OpenEffect {
  readonly message: Message
  readonly scope: Scope
  /** The ordinal of the child that comes next. */
  nextChild: number
  /** What was published for the handler, though it may have been a middleware that did. */
  readonly told: Told[]
}

/** Does what the handler of an effect did while it ran: publishes its events, and writes the lines of what it executed. */
export class EffectWork {
  #run: RecordedRun
  #journal: ReplayJournal
  #clock: ReplayClock
  #copied: CopiedLines
  #batches: StreamedBatches
  #definition: (type: string) => CommandDefinition | EventDefinition | undefined
  #today: (record: JournalRecord) => JournalRecord

  constructor(parts: {
    run: RecordedRun
    journal: ReplayJournal
    clock: ReplayClock
    copied: CopiedLines
    batches: StreamedBatches
    definition: (type: string) => CommandDefinition | EventDefinition | undefined
    today: (record: JournalRecord) => JournalRecord
  }) {
    this.#run = parts.run
    this.#journal = parts.journal
    this.#clock = parts.clock
    this.#copied = parts.copied
    this.#batches = parts.batches
    this.#definition = parts.definition
    this.#today = parts.today
  }

  /** The ordinal of the first child that is not written yet. */
  firstChild({ id }: Message): number {
    for (let ordinal = 1, written = 0; ; ordinal++) {
      const child = this.#run.message(`${id}.${ordinal}`)
      if (!child) return written + 1
      if (child.done) written++
    }
  }

  /** Does it up to this line: ids are given in the order of the ordinals, lines may come later. */
  upToLine(effect: OpenEffect, line: Expected): void {
    if (line.record.id === undefined) {
      this.#journal.copy(line)
      return
    }
    this.upTo(effect, ordinalOf(line.record.id))
    this.#copied.take(line)
  }

  upTo(effect: OpenEffect, last: number): void {
    const { message, told } = effect
    while (effect.nextChild <= last) {
      const child = this.#run.message(`${message.id}.${effect.nextChild++}`)
      // An id that was drawn and never written.
      if (!child) message.childId()
      else if (!this.#send(effect, child)) {
        const id = message.childId()
        if (child.record.kind === 'event') {
          this.#copied.willCopyAlone(child)
          told.push({ record: child.record, receipt: unheard(id) })
        } else this.#copied.willCopy(id)
      }
    }
  }

  /** Publishes or executes again what a handler did; false for what nobody here can hear of. */
  #send({ scope, told }: OpenEffect, child: Expected): boolean {
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
      if (deltas) this.#batches.add(child)
      return true
    } catch {
      // Data without its secrets need not fit its schema any more.
      return false
    }
  }
}

/** Of an event that nobody here knows. */
function unheard(id: string): Receipt {
  const report = { delivered: 0, failed: 0, skipped: 0, dropped: 0 }
  return { id, accepted: Promise.resolve(), settled: Promise.resolve(report) }
}

export function ordinalOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('.') + 1))
}
