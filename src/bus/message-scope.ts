// Longer than 200 lines: the base makes narrowed scopes, which extend it, so in files of their own they would be a circle.
import type * as z from 'zod'
import type { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { Cancellation } from './cancellation.ts'
import type { TimerOwner } from './clock-readings.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import type { Publication } from './publication.ts'
import type { Receipt } from './receipt.ts'
import type { Schedulable, Scheduled, Timing } from './schedule.ts'
import type { ExecuteOptions, Scope } from './scope.ts'
import { sleep } from './sleep.ts'
import type { Subscriber } from './subscriber.ts'
import type { Tracker } from './tracker.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** Where a message comes from: outside (a bus, a session; `from` is undefined) or the scope of its parent. */
export interface Origin {
  readonly from: MessageScope | undefined
  readonly session: string | undefined
  readonly cancellation: Cancellation
  /** Where the chain that it belongs to came in from outside; for what is outside, itself. */
  readonly start: Origin
  /** Counts what the chain causes, if somebody tracks it. */
  readonly tracker: Tracker | undefined
}

/** What scopes need of the bus. */
export interface Dispatcher {
  readonly environment: Environment
  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>>
  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>, origin: Origin): Receipt
  schedule(message: Schedulable, data: unknown, timing: Timing, origin: Origin): Promise<Scheduled>
  /** Ends the commands that still run below a part of some work that was given up. */
  giveUpBelow(cancellation: Cancellation, reason: BuslineError): void
  /** The time of day, for the handler of this message. */
  readClock(owner: TimerOwner): number
  /** Runs something once, `ms` milliseconds from now, for whoever handles this message. */
  setTimer(owner: TimerOwner, ms: number, run: () => void): Unsubscribe
  /** The events that a subscriber gets only after this one. */
  behind(subscriber: Subscriber, publication: Publication): Publication[]
  /** The data of a message as the journal has it: in its form of its own if it has one, without secrets. */
  recorded(message: Message): unknown
}

const NO_CONTEXT: Readonly<Record<string, unknown>> = Object.freeze({})

/** The scope of one command or of one delivery of an event. */
export abstract class MessageScope implements Scope, Origin {
  abstract readonly message: Message
  abstract readonly cancellation: Cancellation
  abstract readonly context: Readonly<Record<string, unknown>>
  abstract readonly start: Origin
  /** The scope that sent the message, undefined for one from outside. */
  abstract readonly parent: MessageScope | undefined
  /** For a delivery: to whom, and of what. */
  abstract readonly subscriber: Subscriber | undefined
  abstract readonly publication: Publication | undefined
  abstract readonly running: boolean
  protected abstract readonly dispatcher: Dispatcher

  get from(): MessageScope {
    return this
  }

  get tracker(): Tracker | undefined {
    return this.start.tracker
  }

  get session(): string | undefined {
    return this.message.session
  }

  get turn(): string | undefined {
    return this.message.turn
  }

  get cause(): string | undefined {
    return this.message.cause
  }

  get signal(): AbortSignal {
    return this.cancellation.signal
  }

  get deadline(): number | undefined {
    return this.cancellation.deadline
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>> {
    const execution = this.dispatcher.execute(command, input, this, options)
    // The journal tells how it ends. Work that did not want to know must not end the process with it.
    execution.catch(() => undefined)
    return execution
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>): Receipt {
    return this.dispatcher.publish(event, data, this)
  }

  schedule(message: Schedulable, data: unknown, timing: Timing): Promise<Scheduled> {
    return this.dispatcher.schedule(message, data, timing, this)
  }

  get environment(): Environment {
    return this.dispatcher.environment
  }

  now(): number {
    return this.dispatcher.readClock(this)
  }

  /** Runs something once, `ms` milliseconds from now. */
  after(ms: number, run: () => void): Unsubscribe {
    return this.dispatcher.setTimer(this, ms, run)
  }

  newId(): string {
    return this.environment.idFor(this.message.nextDraw())
  }

  random(): number {
    return this.environment.numberFor(this.message.nextDraw())
  }

  sleep(ms: number): Promise<void> {
    return sleep(ms, this, this.signal)
  }

  /** The message's data as the journal has it, to be handed on to others: without secrets. */
  recorded(): unknown {
    return this.dispatcher.recorded(this.message)
  }

  /** Ends the commands that it sent under a cancellation of its own, which nobody waits for any more. */
  giveUpBelow(cancellation: Cancellation): void {
    const { reason } = cancellation
    if (reason && this.message.hasChildren) this.dispatcher.giveUpBelow(cancellation, reason)
  }

  /** The same scope under a cancellation of its own. */
  under(cancellation: Cancellation): MessageScope {
    return new NarrowedScope(this.dispatcher, this, cancellation)
  }
}

/** The scope of one execution of a command. */
export class CommandScope extends MessageScope {
  readonly message: Message
  readonly parent: MessageScope | undefined
  readonly cancellation: Cancellation
  readonly start: Origin
  readonly subscriber = undefined
  readonly publication = undefined
  running = true
  protected readonly dispatcher: Dispatcher
  #context: Readonly<Record<string, unknown>> | undefined

  constructor(
    dispatcher: Dispatcher,
    message: Message,
    origin: Origin,
    cancellation: Cancellation,
    context: Readonly<Record<string, unknown>> | undefined,
  ) {
    super()
    this.dispatcher = dispatcher
    this.message = message
    this.parent = origin.from
    this.cancellation = cancellation
    this.start = origin.start
    this.#context = context
  }

  get context(): Readonly<Record<string, unknown>> {
    return this.#context ?? this.parent?.context ?? NO_CONTEXT
  }
}

/** The scope of one delivery. All but the subscriber is common to the event's deliveries, so it stays small. */
export class DeliveryScope extends MessageScope {
  readonly publication: Publication
  readonly subscriber: Subscriber
  running = true

  constructor(publication: Publication, subscriber: Subscriber) {
    super()
    this.publication = publication
    this.subscriber = subscriber
  }

  get message(): Message {
    return this.publication.message
  }

  get cancellation(): Cancellation {
    return this.publication.cancellation
  }

  get start(): Origin {
    return this.publication.start
  }

  /** Nobody waits for a delivery by having sent the event, so it has no parent. */
  get parent(): undefined {
    return undefined
  }

  get context(): Readonly<Record<string, unknown>> {
    return this.publication.origin.from?.context ?? NO_CONTEXT
  }

  protected get dispatcher(): Dispatcher {
    return this.publication.dispatcher
  }
}

/** What a layer of the onion runs the inner ones with, when it limits them by time or by a signal. */
class NarrowedScope extends MessageScope {
  readonly cancellation: Cancellation
  protected readonly dispatcher: Dispatcher
  #whole: MessageScope

  constructor(dispatcher: Dispatcher, whole: MessageScope, cancellation: Cancellation) {
    super()
    this.dispatcher = dispatcher
    this.#whole = whole
    this.cancellation = cancellation
  }

  get message(): Message {
    return this.#whole.message
  }

  get context(): Readonly<Record<string, unknown>> {
    return this.#whole.context
  }

  get start(): Origin {
    return this.#whole.start
  }

  get parent(): MessageScope | undefined {
    return this.#whole.parent
  }

  get subscriber(): Subscriber | undefined {
    return this.#whole.subscriber
  }

  get publication(): Publication | undefined {
    return this.#whole.publication
  }

  get running(): boolean {
    return this.#whole.running
  }
}
