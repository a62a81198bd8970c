import type { BusState, DeliveryEnd, Envelope, JournalRecord, StopReport } from 'busline'
import * as z from 'zod'
import {
  hasEnded,
  ModelBus,
  type ModelCommand,
  type ModelDelivery,
  type ModelEvent,
  type ModelMessage,
} from './model-bus.ts'

const About = z.object({ event: z.string(), subscriber: z.string() })
const Report = z.object({ event: z.object({ id: z.string() }), subscriber: z.string() })
const Letter = z.object({ message: z.string(), subscriber: z.string() })

/** The states in which what is running may still cause something. */
const ALIVE: readonly BusState[] = ['running', 'draining', 'settling', 'cancelling']

/**
 * Watches the real bus (its journal, its probe, its handlers and subscribers) and the model side by side, and notes
 * where they differ. It does not throw, because the bus would take that for a failing subscriber.
 */
export class Referee {
  readonly model = new ModelBus()
  readonly differences: string[] = []
  /** What the middlewares decided, as `id filters` or `id fails`. */
  readonly decided = new Set<string>()
  stopping = false
  closed = false
  /** Events that were refused for their data; each owes a note. */
  refused = 0
  #state: () => BusState
  #messages = new Map<string, ModelMessage>()
  #notes = new Map<ModelDelivery, string[]>()
  /** Whose cancel from outside has a note. */
  #cancelled = new Set<string>()
  #seq = 0
  #recorded = 0
  #results = 0
  #rejected = 0
  #noted = 0
  #completed = 0
  #abandoned: ModelMessage[] = []

  constructor(state: () => BusState) {
    this.#state = state
  }

  must(holds: boolean, sentence: string): void {
    if (!holds) this.differences.push(sentence)
  }

  /** Whether what running work causes is accepted; what comes from outside is, as long as the bus was not stopped. */
  accepts(from: ModelMessage | undefined): boolean {
    return from ? ALIVE.includes(this.#state()) : !this.stopping
  }

  know(message: ModelMessage): void {
    this.#messages.set(message.id, message)
  }

  commandOf(id: string): ModelCommand | undefined {
    const message = this.#messages.get(id)
    return message && isCommand(message) ? message : undefined
  }

  /** A handler begins. */
  handled(id: string, handler: string): ModelCommand | undefined {
    const command = this.commandOf(id)
    if (!command) return void this.differences.push(`${handler} got ${id}, which nobody sent`)
    this.must(command.handler === handler, `${id} goes to ${command.handler}, not to ${handler}`)
    this.must(!command.begun, `${id} is handled once`)
    this.must(!command.ended, `${id} is not begun after its end`)
    command.begun = true
    return command
  }

  /** A subscriber begins. */
  begins(id: string, subscriber: string): ModelDelivery | undefined {
    const delivery = this.#deliveryOf(id, subscriber)
    if (!delivery) return void this.differences.push(`${subscriber} hears ${id}, which is not for it`)
    const again = delivery.state === 'bad' && delivery.attempts < delivery.subscriber.attempts
    this.must(
      delivery.state === 'waiting' || again,
      `${subscriber} hears ${id} again, which is ${delivery.state}`,
    )
    this.must(delivery.subscriber.active, `${subscriber} hears ${id} after it left`)
    this.must(ALIVE.includes(this.#state()), `${subscriber} hears ${id} while the bus is ${this.#state()}`)
    this.must(
      this.model.ahead(delivery).length === 0,
      `${subscriber} hears ${id} before an earlier one has ended`,
    )
    delivery.state = 'going'
    delivery.attempts++
    return delivery
  }

  /** A delivery has ended, says the bus. */
  deliveryEnded({ id, kind }: Envelope, { subscriber, outcome, attempts }: DeliveryEnd): void {
    const delivery = this.#deliveryOf(id, subscriber)
    if (!delivery || kind !== 'event')
      return void this.differences.push(`${id} ended at ${subscriber}, for whom it is not`)
    const notes = this.#notes.get(delivery) ?? []
    const has = (word: string, count = 1): boolean =>
      this.closed || notes.filter((note) => note === word).length === count
    const { state } = delivery
    const legal = {
      delivered: () => state === 'ok' && has('failed', attempts - 1),
      failed: () =>
        (state === 'bad' || this.decided.has(`${id} fails`)) &&
        has('failed', attempts) &&
        has('deadLettered'),
      skipped: () =>
        notes.includes('abandoned') ||
        (state !== 'ok' &&
          state !== 'going' &&
          this.#maySkip(delivery) &&
          (has('discarded') || has('filtered'))),
      dropped: () => state === 'overflowed' && has('dropped'),
    }
    this.must(
      legal[outcome](),
      `${id} is ${outcome} at ${subscriber}: it was ${state}, noted ${notes.join()}`,
    )
    this.must(
      outcome === 'dropped' || notes.includes('abandoned') || this.model.ahead(delivery).length === 0,
      `${id} ends at ${subscriber} before an earlier one`,
    )
    delivery.state = outcome
    this.#countEnd()
  }

  #maySkip({ event, subscriber }: ModelDelivery): boolean {
    return this.decided.has(`${event.id} filters`) || !subscriber.active || !ALIVE.includes(this.#state())
  }

  /** A line of the journal. */
  line(text: string): void {
    this.must(!this.closed, `nothing is appended to a closed journal: ${text}`)
    const record: JournalRecord = JSON.parse(text)
    this.must(record.seq === this.#seq++, `seq is contiguous: ${text}`)
    if (record.kind === 'note') return this.#note(record)
    if (record.kind === 'result') return this.#result(record)
    if (record.kind !== 'header') this.#message(record)
  }

  /** A promise of `execute` has settled. */
  settled(command: ModelCommand, code: string): void {
    this.must(command.ended?.code === code, `${command.id} ends as recorded, not with ${code}`)
  }

  /** What is left when everything has settled and the bus has stopped. */
  conclude(report: StopReport): void {
    const { messages, deliveries } = this.model
    this.must(this.#recorded === messages.length, 'every accepted message has a line')
    this.must(this.#rejected === this.refused, 'every refused event has a note')
    const commands = messages.filter(isCommand)
    for (const { id, ended } of commands) this.must(ended !== undefined, `${id} has a result`)
    this.must(this.#results === commands.length, 'there is one result for each command')
    const lines = 1 + messages.length + commands.length + this.#noted + this.refused
    this.must(this.#seq === lines, `there are ${lines} lines, not ${this.#seq}`)

    const abandoned = deliveries.filter((delivery) => this.#notes.get(delivery)?.includes('abandoned'))
    for (const delivery of deliveries)
      this.must(hasEnded(delivery), `${delivery.event.id} ends at ${delivery.subscriber.name}`)
    const given = [...abandoned.map(({ event }) => event), ...this.#abandoned].map(({ id }) => id)
    this.must(
      given.toSorted().join() ===
        report.abandoned
          .map(({ id }) => id)
          .toSorted()
          .join(),
      'stop names what it abandoned',
    )
    this.must(report.completed === this.#completed, `stop counts ${this.#completed}, not ${report.completed}`)
    this.must(report.timedOut || given.length === 0, 'only a stop that timed out abandons')
  }

  /** Nothing is on its way any more. */
  get quiet(): boolean {
    const { messages, deliveries } = this.model
    return deliveries.every(hasEnded) && messages.filter(isCommand).every(({ ended }) => ended)
  }

  #deliveryOf(id: string, subscriber: string): ModelDelivery | undefined {
    const event = this.#messages.get(id)
    return event && isEvent(event)
      ? event.deliveries.find((delivery) => delivery.subscriber.name === subscriber)
      : undefined
  }

  #message(record: JournalRecord): void {
    const from = this.#messages.get(record.cause ?? '')
    // The one event that the bus sends of its own accord, on behalf of the delivery that failed.
    if (record.type === 'bus.deliveryFailed') {
      this.know(this.model.event(record.type, from, undefined))
      this.#failed(record)
    }
    const { kind, type, id, session, turn, parent, root } = this.model.messages[this.#recorded++] ?? {}
    const expected = { kind, type, id, session, turn, cause: parent?.id, root }
    const found = {
      kind: record.kind,
      type: record.type,
      id: record.id,
      session: record.session,
      turn: record.turn,
      cause: record.cause,
      root: record.root,
    }
    this.must(JSON.stringify(found) === JSON.stringify(expected), `the next line is ${id}, not ${record.id}`)
  }

  #result({ of = '', status = '', error }: JournalRecord): void {
    const command = this.commandOf(of)
    if (!command) return void this.differences.push(`${of} has a result, but nobody sent it`)
    this.must(!command.ended, `${of} ends once`)
    const code = error?.code ?? 'ok'
    const cancelled = status === 'cancelled' || status === 'timeout'
    const mayBeCancelled = command.limited || this.stopping
    this.must(
      code === command.planned || (cancelled && mayBeCancelled),
      `${of} ends with ${command.planned}, not with ${code} (${status})`,
    )
    this.must(
      (status === 'ok') === (code === 'ok') && (cancelled || !['CANCELLED', 'TIMED_OUT'].includes(code)),
      `${of} has status ${status} with ${code}`,
    )
    command.ended = { status, code }
    this.#results++
    // What stop refuses was never its work.
    if (code === 'BUS_STOPPED' && !command.begun) return
    if (ALIVE.includes(this.#state())) this.#countEnd()
    else if (code === 'ABANDONED') this.#abandoned.push(command)
  }

  #note({ type, data, cause = '' }: JournalRecord): void {
    const word = type.slice('bus.'.length)
    if (word === 'rejected') return void this.#rejected++
    this.#noted++
    if (word === 'cancelRequested') return this.#cancelRequested(cause)
    if (word === 'deliveryFailed') return this.#failed({ data })
    const about = word === 'deadLettered' ? letterIn(data) : About.parse(data)
    this.#tell(word, about.event, about.subscriber)
  }

  /** From outside, once, of what has not ended: what is caused by it is cancelled with it. */
  #cancelRequested(id: string): void {
    const command = this.commandOf(id)
    this.must(command?.limited === true, `${id} can be cancelled`)
    this.must(command?.parent === undefined, `${id} comes from outside`)
    this.must(command?.ended === undefined, `${id} is cancelled before its end`)
    this.must(!this.#cancelled.has(id), `the cancel of ${id} is noted once`)
    this.#cancelled.add(id)
  }

  #failed({ data }: Pick<JournalRecord, 'data'>): void {
    const { event, subscriber } = Report.parse(data)
    this.#tell('failed', event.id, subscriber)
  }

  #tell(word: string, event: string, subscriber: string): void {
    const delivery = this.#deliveryOf(event, subscriber)
    if (!delivery) return void this.differences.push(`${word} is noted of ${event} at ${subscriber}`)
    this.#notes.set(delivery, [...(this.#notes.get(delivery) ?? []), word])
  }

  #countEnd(): void {
    if (this.stopping && ALIVE.includes(this.#state())) this.#completed++
  }
}

export function isCommand(message: ModelMessage): message is ModelCommand {
  return message.kind === 'command'
}

function isEvent(message: ModelMessage): message is ModelEvent {
  return message.kind === 'event'
}

function letterIn(data: unknown): z.output<typeof About> {
  const { message: event, subscriber } = Letter.parse(data)
  return { event, subscriber }
}
