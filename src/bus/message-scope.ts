import type * as z from 'zod'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { Cancellation } from './cancellation.ts'
import type { Message } from './envelope.ts'
import type { Receipt } from './receipt.ts'
import type { ExecuteOptions, Scope } from './scope.ts'
import type { Delivery, Subscriber } from './subscriber.ts'

/** Where a message comes from: outside (a bus, a session; `from` is undefined) or the scope of its parent. */
export interface Origin {
  readonly from: MessageScope | undefined
  readonly session: string | undefined
  readonly cancellation: Cancellation
  /** For a scope: where the chain of commands that it belongs to came in from outside. */
  readonly start?: Origin | undefined
}

/** What scopes need of the bus. */
export interface Dispatcher {
  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    origin: Origin,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>>
  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>, origin: Origin): Receipt
}

interface DeliveryPlace {
  readonly subscriber: Subscriber
  readonly key: string
  readonly receipt: Receipt
  readonly mailroom: { behind(subscriber: Subscriber, key: string): Delivery[] }
}

const NO_CONTEXT: Readonly<Record<string, unknown>> = Object.freeze({})

/** The scope of one command or of one delivery of an event. */
export class MessageScope implements Scope, Origin {
  readonly from: MessageScope = this
  readonly message: Message
  readonly parent: MessageScope | undefined
  readonly cancellation: Cancellation
  readonly start: Origin | undefined
  readonly context: Readonly<Record<string, unknown>>
  /** For a delivery: to whom, on which lane, and the receipt of the event. */
  readonly delivery: DeliveryPlace | undefined
  running = true
  #dispatcher: Dispatcher

  constructor(
    dispatcher: Dispatcher,
    message: Message,
    parts: {
      parent: MessageScope | undefined
      cancellation: Cancellation
      start: Origin | undefined
      context?: Readonly<Record<string, unknown>> | undefined
      delivery?: DeliveryPlace
    },
  ) {
    this.#dispatcher = dispatcher
    this.message = message
    this.parent = parts.parent
    this.cancellation = parts.cancellation
    this.start = parts.start
    this.context = parts.context ?? parts.parent?.context ?? NO_CONTEXT
    this.delivery = parts.delivery
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
    return this.#dispatcher.execute(command, input, this, options)
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>): Receipt {
    return this.#dispatcher.publish(event, data, this)
  }
}
