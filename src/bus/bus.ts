import type * as z from 'zod'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { DeadLetters } from './dead-letter.ts'
import type { Envelope } from './envelope.ts'
import type { EventStream } from './event-stream.ts'
import type { Handler } from './handler-table.ts'
import type { BusSnapshot } from './inspect.ts'
import type { EventStreamOptions } from './listening.ts'
import type { MailboxOptions } from './mailbox.ts'
import type { Middleware } from './middleware.ts'
import type { Probe } from './probe.ts'
import type { RetryOptions } from './retry.ts'
import type { Tap } from './taps.ts'
import type { Schedules } from './scheduler.ts'
import type { Scope, Sender } from './scope.ts'
import type { Unsubscribe } from './unsubscribe.ts'
import type { WaitOptions } from './waiting.ts'

/** Hears events. A promise that it returns is awaited; anything else that it returns is nothing to the bus. */
export type EventSubscriber<Data> = (data: Data, scope: Scope) => unknown

export interface SubscribeOptions {
  /** How journal, failures and dead letters name the subscriber (default: the function's name). */
  name?: string
  /** Its place among the subscribers of one event: higher comes earlier (default 0). */
  priority?: number
  /** How many events may wait for it, per key, and what happens to one more (default 10 000, `reject`). */
  mailbox?: MailboxOptions
  /** Runs it again after a failure, before the later events of that key; a number is `{ attempts }` (default: never). */
  retry?: number | RetryOptions
  /** Milliseconds that one attempt may take; then it fails with `TIMED_OUT` (default: no limit). */
  timeout?: number
  /** After a failure for good, sends the later events of its key to the dead letters too, in order (default false). */
  park?: boolean
  /** In what order events stay for this subscriber (default: the event's own key). */
  key?: (message: Envelope & { readonly data: unknown }) => string
}

/** Any form of subscribing, its types erased: what {@link Registry.on} comes down to. */
export type Subscribe = (
  selector: EventDefinition | readonly EventDefinition[] | string,
  subscriber: (data: never, scope: never) => unknown,
  options?: SubscribeOptions,
) => Unsubscribe

/** Any form of streaming, its types erased. */
export type Stream = (
  selector: EventDefinition | readonly EventDefinition[] | string,
  options?: EventStreamOptions,
) => EventStream<never>

/** The union of the data of several events. */
export type DataOf<Events extends readonly EventDefinition[]> = z.output<Events[number]['data']>

/** Registers handlers and subscribers: what a bus and a session have in common. */
export interface Registry {
  /**
   * Registers the one handler of a command. A second one for the same scope is refused with `DUPLICATE_HANDLER`,
   * which names both places. A session's handler shadows the bus's for that session.
   */
  // NoInfer: else the literals that a handler without parameters returns widen before the command has its say.
  handle<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: NoInfer<Handler<Input, Output>>,
  ): Unsubscribe

  /**
   * Subscribes to an event, a list of events, or a pattern (`tool.*`, `**`; data unknown). Per subscriber and key
   * (default: session) deliveries come in record order, one at a time. A failing subscriber reaches nobody else.
   */
  on<Data extends Schema>(
    event: EventDefinition<Data>,
    subscriber: NoInfer<EventSubscriber<z.output<Data>>>,
    options?: SubscribeOptions,
  ): Unsubscribe
  on<const Events extends readonly EventDefinition[]>(
    events: Events,
    subscriber: EventSubscriber<DataOf<Events>>,
    options?: SubscribeOptions,
  ): Unsubscribe
  on(pattern: string, subscriber: EventSubscriber<unknown>, options?: SubscribeOptions): Unsubscribe

  /**
   * Resolves to the data of the next event (that fits `where`). Rejects with `TIMED_OUT`, `CANCELLED`, or with
   * `BUS_STOPPED` or `SCOPE_DISPOSED` when nothing can come any more.
   */
  waitFor<Data extends Schema>(
    event: EventDefinition<Data>,
    options?: WaitOptions<z.output<Data>>,
  ): Promise<z.output<Data>>

  /** Events as an asynchronous iterator, from now on; see {@link EventStream} for its end and its limit. */
  events<Data extends Schema>(
    event: EventDefinition<Data>,
    options?: EventStreamOptions,
  ): EventStream<z.output<Data>>
  events<const Events extends readonly EventDefinition[]>(
    events: Events,
    options?: EventStreamOptions,
  ): EventStream<DataOf<Events>>
  events(pattern: string, options?: EventStreamOptions): EventStream<unknown>
}

/** One session's view of a bus. What was registered on it leaves with `dispose`, or at the end of a `using` block. */
export interface SessionScope extends Sender, Registry, Disposable {
  readonly session: string
  dispose(): void
}

export type Cleanup = () => void | Promise<void>

/**
 * A plain function of the bus that registers handlers and subscribers, and returns its cleanup if it has one. What
 * it registered leaves with it.
 */
export type Participant = (bus: Bus) => void | Cleanup | Promise<void | Cleanup>

/** What a participant sees of a bus. */
export interface Bus extends Sender, Registry {
  /** Adds a layer around handlers and deliveries; `for` limits it to definitions or patterns (default: all). */
  use(
    middleware: Middleware,
    options?: { for?: readonly (CommandDefinition | EventDefinition | string)[] },
  ): Unsubscribe
  /** Observes exactly what the journal gets, redacted. One that throws is taken off; delivery goes on. */
  tap(tap: Tap): Unsubscribe
  /** Attaches a participant; the undo takes back all that it registered and runs its cleanup. */
  attach(participant: Participant): Unsubscribe
  /** A session's scope. `signal` cancels what is executed through it. */
  session(id: string, options?: { signal?: AbortSignal }): SessionScope
  /** Registers a value that is replaced wherever it would be recorded or printed. */
  secret(value: string): void
  /** Replaces secrets in a text, for what is printed or stored outside of the journal. */
  redact(text: string): string
  /** What was accepted and could not be delivered. */
  readonly deadLetters: DeadLetters
  /** What waits for its time; see {@link Sender.schedule}. */
  readonly schedules: Schedules
  /** Measures the bus from inside, for metrics; see {@link Probe}. */
  probe(probe: Probe): Unsubscribe
  /** What it is doing at this moment: a copy that does not change. */
  inspect(): BusSnapshot
  /** The definition of a type that was handled, subscribed to or sent before; undefined if none was. */
  definition(type: string): CommandDefinition | EventDefinition | undefined
  /** The bus's clock: epoch milliseconds. */
  now(): number
  /** A new random id of `[0-9a-z]`. */
  newId(): string
  /** A random number from 0 up to 1. */
  random(): number
  /** Runs something once, `ms` milliseconds from now, unless it is undone or the bus stops before; a failure is noted. */
  after(ms: number, run: () => void): Unsubscribe
}
