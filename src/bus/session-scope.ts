import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { Registry, SessionScope, Stream, SubscribeOptions } from './bus.ts'
import { Cancellation } from './cancellation.ts'
import type { Handler } from './handler-table.ts'
import type { Listening, Place } from './listening.ts'
import type { Dispatcher, Origin } from './message-scope.ts'
import type { Receipt } from './receipt.ts'
import type { Schedulable, Scheduled, Timing } from './schedule.ts'
import type { ExecuteOptions } from './scope.ts'
import type { AnySubscriber, Selector } from './subscribing.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'
import { refusedWait } from './waiting.ts'

/** How a session registers on its bus. */
export interface SessionRegistry {
  readonly listening: Listening
  handle<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: Handler<Input, Output>,
    session: string,
  ): Unsubscribe
  on(
    selector: Selector,
    subscriber: AnySubscriber,
    options: SubscribeOptions | undefined,
    session: string,
  ): Unsubscribe
}

/** A session of a bus: sends with its id, hears only its own, and takes what it registered along when it leaves. */
class BusSession implements SessionScope, Origin {
  readonly session: string
  readonly from = undefined
  readonly tracker = undefined
  readonly cancellation: Cancellation
  #own: Cancellation | undefined
  #dispatcher: Dispatcher
  #registry: SessionRegistry
  #registrations = new Set<Unsubscribe>()
  #host: ((undo: () => void) => Unsubscribe) | undefined
  #leaveHost: Unsubscribe | undefined
  #disposed = false

  constructor(parts: {
    id: string
    dispatcher: Dispatcher
    registry: SessionRegistry
    parent: Cancellation
    signal: AbortSignal | undefined
    /** The participant that opened it: what is registered here leaves with that too. */
    host?: ((undo: () => void) => Unsubscribe) | undefined
  }) {
    this.session = parts.id
    this.#dispatcher = parts.dispatcher
    this.#registry = parts.registry
    this.#host = parts.host
    // Without a signal of its own there is nothing to link, so a session that nobody disposes leaves nothing behind.
    this.#own = parts.signal && new Cancellation({ parent: parts.parent, signal: parts.signal })
    this.cancellation = this.#own ?? parts.parent
  }

  get start(): Origin {
    return this
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>> {
    if (this.#disposed) return Promise.reject(this.#gone())
    return this.#dispatcher.execute(command, input, this, options)
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>): Receipt {
    if (this.#disposed) throw this.#gone()
    return this.#dispatcher.publish(event, data, this)
  }

  schedule(message: Schedulable, data: unknown, timing: Timing): Promise<Scheduled> {
    if (this.#disposed) return Promise.reject(this.#gone())
    return this.#dispatcher.schedule(message, data, timing, this)
  }

  handle: Registry['handle'] = (command, handler) => {
    if (this.#disposed) throw this.#gone()
    return this.#keep(this.#registry.handle(command, handler, this.session))
  }

  on: Registry['on'] = (
    selector: Selector,
    subscriber: AnySubscriber,
    options?: SubscribeOptions,
  ): Unsubscribe => {
    if (this.#disposed) throw this.#gone()
    return this.#keep(this.#registry.on(selector, subscriber, options, this.session))
  }

  waitFor: Registry['waitFor'] = (event, options = {}) => {
    if (this.#disposed) return refusedWait(this.#gone())
    return this.#registry.listening.waitFor(event, options, this.#place)
  }

  events: Registry['events'] = (selector: Parameters<Stream>[0], options: Parameters<Stream>[1] = {}) => {
    if (this.#disposed) throw this.#gone()
    return this.#registry.listening.stream(selector, options, this.#place)
  }

  dispose(): void {
    this.#disposed = true
    this.#takeBack()
    this.#own?.[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  get #place(): Place {
    return { session: this.session, keep: (undo) => this.#keep(undo) }
  }

  #keep(off: () => void): Unsubscribe {
    const kept = unsubscribe(() => {
      this.#registrations.delete(kept)
      off()
      if (this.#registrations.size === 0) this.#leaveHost?.()
    })
    // Only with something to take back: a participant may open a session for each message.
    if (this.#host && this.#registrations.size === 0) this.#leaveHost = this.#host(() => this.#takeBack())
    this.#registrations.add(kept)
    return kept
  }

  #takeBack(): void {
    for (const off of [...this.#registrations].toReversed()) off()
  }

  #gone(): BuslineError {
    return new BuslineError(
      'SCOPE_DISPOSED',
      `This scope of session ${this.session} was disposed. Open another with bus.session().`,
    )
  }
}

/** Opens a session of a bus; `host` keeps what is registered on it for whoever opened it. */
export function openSession(
  bus: Dispatcher & SessionRegistry & { readonly core: { readonly root: Cancellation } },
  id: string,
  { signal }: { signal?: AbortSignal } = {},
  host?: (undo: () => void) => Unsubscribe,
): SessionScope {
  checkSessionId(id)
  return new BusSession({ id, dispatcher: bus, registry: bus, parent: bus.core.root, signal, host })
}

/** Refuses what would be no session: nothing registered on it would be of that session only. */
export function checkSessionId(id: string): void {
  if (typeof id === 'string' && id !== '') return
  throw new BuslineError('INVALID_SESSION_ID', `A session id must be a text that is not empty, not ${id}.`)
}
