import { customAlphabet } from 'nanoid'
import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { failureOf } from '../messages/failure.ts'
import type { Schema } from '../messages/schema.ts'
import { Attachment } from './attachment.ts'
import type { Bus, Participant, SessionScope, Subscribe, SubscribeOptions } from './bus.ts'
import { Cancellation } from './cancellation.ts'
import { Dispatch } from './dispatch.ts'
import type { Handler } from './handler-table.ts'
import type { Journal } from './journal.ts'
import type { Origin } from './message-scope.ts'
import type { Middleware } from './middleware.ts'
import type { Receipt } from './receipt.ts'
import type { Tap } from './recorder.ts'
import type { ExecuteOptions } from './scope.ts'
import { BusSession } from './session-scope.ts'
import { stopBus, type StopReport } from './stop.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

export interface MessageBusOptions {
  /** Where every message is written (default: nowhere). One bus, one journal. */
  journal?: Journal | undefined
  /** Epoch milliseconds (default `Date.now`; durations then come from the monotonic clock). */
  now?: (() => number) | undefined
  /** A random id of `[0-9a-z]`: the bus draws the prefix of its message ids from it, and participants theirs. */
  newId?: (() => string) | undefined
}

const randomId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 10)

/**
 * A typed, in-process message bus: commands go to exactly one handler and return its result, events fan out to any
 * number of subscribers, and every message is a line of the journal. Nothing is shared between two buses.
 */
export class MessageBus implements Bus {
  #dispatch: Dispatch
  #newId: () => string
  #now: () => number
  #outside: Origin
  #attachments = new Set<Attachment>()
  #detaching = new Set<Promise<void>>()
  #stopping: Promise<StopReport> | undefined

  constructor(options: MessageBusOptions = {}) {
    this.#newId = options.newId ?? randomId
    this.#now = options.now ?? Date.now
    this.#dispatch = new Dispatch({
      journal: options.journal,
      now: this.#now,
      clock: options.now ?? (() => performance.now()),
      prefix: this.#newId(),
      root: new Cancellation({}),
    })
    this.#outside = { from: undefined, session: undefined, cancellation: this.#dispatch.root }
  }

  handle<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: NoInfer<Handler<Input, Output>>,
  ): Unsubscribe {
    return this.#dispatch.handle(command, handler, undefined)
  }

  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>> {
    return this.#dispatch.execute(command, input, this.#outside, options)
  }

  on: Bus['on'] = (
    selector: Parameters<Subscribe>[0],
    subscriber: Parameters<Subscribe>[1],
    options?: SubscribeOptions,
  ): Unsubscribe => this.#dispatch.on(selector, subscriber, options, undefined)

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>): Receipt {
    return this.#dispatch.publish(event, data, this.#outside)
  }

  use(
    middleware: Middleware,
    options: { for?: readonly (CommandDefinition | EventDefinition | string)[] } = {},
  ): Unsubscribe {
    const selectors = options.for?.map((one) => (typeof one === 'string' ? one : one.type)) ?? ['**']
    return this.#dispatch.routes.use(middleware, selectors)
  }

  tap(tap: Tap): Unsubscribe {
    return this.#dispatch.recorder.tap(tap)
  }

  attach(participant: Participant): Unsubscribe {
    // An origin of its own tells what the participant sends while it joins from what others wait for.
    const origin = { ...this.#outside }
    const attachment = new Attachment(this, {
      subscribe: (selector, subscriber, options) =>
        this.#dispatch.on(selector, subscriber, options, undefined),
      execute: (command, input, options) => this.#dispatch.execute(command, input, origin, options),
    })
    // Before what it attaches itself: `stop` goes backwards, and so waits for the cleanup of those first.
    this.#attachments.add(attachment)
    const detach = unsubscribe(() => this.#detach(attachment))
    const failed = (error: unknown): never => {
      detach()
      throw error
    }
    try {
      const joined = participant(attachment.view)
      if (joined instanceof Promise)
        this.#dispatch.waitForJoining(
          origin,
          joined.then((cleanup) => attachment.cleansUpWith(cleanup), failed),
        )
      else void attachment.cleansUpWith(joined)
    } catch (error) {
      failed(error)
    }
    return detach
  }

  session(id: string, options: { signal?: AbortSignal } = {}): SessionScope {
    if (id === '') throw new BuslineError('INVALID_SESSION_ID', 'A session id must not be empty.')
    return new BusSession({
      id,
      dispatcher: this.#dispatch,
      registry: this.#dispatch,
      parent: this.#dispatch.root,
      signal: options.signal,
    })
  }

  secret(value: string): void {
    this.#dispatch.redactor.add(value)
  }

  redact(text: string): string {
    return this.#dispatch.redactor.text(text)
  }

  now(): number {
    return this.#now()
  }

  newId(): string {
    return this.#newId()
  }

  /**
   * Refuses new calls from outside, lets running work and what it causes end, cancels what has not ended by the
   * deadline, runs the participants' cleanups, and closes the journal. Idempotent.
   *
   * @param options.deadline milliseconds that running work has, default 5000
   */
  stop(options: { deadline?: number } = {}): Promise<StopReport> {
    this.#stopping ??= stopBus({
      dispatch: this.#dispatch,
      deadline: options.deadline ?? 5000,
      detach: async () => {
        const failures: unknown[] = []
        for (const attachment of [...this.#attachments].toReversed()) {
          this.#attachments.delete(attachment)
          try {
            await attachment.detach()
          } catch (error) {
            failures.push(error)
          }
        }
        await Promise.all(this.#detaching)
        if (failures.length > 1)
          throw new AggregateError(failures, 'Several participants failed to clean up.')
        if (failures.length === 1) throw failures[0]
      },
    })
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Takes back at once what it registered; a cleanup that goes on is waited for by `stop`. */
  #detach(attachment: Attachment): void {
    this.#attachments.delete(attachment)
    const cleaning = (async () => attachment.detach())()
      .catch((error: unknown) => this.#dispatch.recorder.note('detachFailed', { error: failureOf(error) }))
      .finally(() => this.#detaching.delete(cleaning))
    this.#detaching.add(cleaning)
  }
}
