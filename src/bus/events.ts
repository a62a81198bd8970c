import type * as z from 'zod'
import type { EventDefinition } from '../messages/define-event.ts'
import { TextDelta } from '../messages/define-event.ts'
import { failureOf } from '../messages/failure.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith, type Schema } from '../messages/schema.ts'
import type { SubscribeOptions } from './bus.ts'
import type { Core } from './core.ts'
import type { DeadLetter } from './dead-letters.ts'
import { Message } from './envelope.ts'
import { Listeners } from './listeners.ts'
import type { Mailroom } from './mailroom.ts'
import type { Dispatcher, Origin } from './message-scope.ts'
import { Outside } from './outside.ts'
import { checkPattern } from './pattern.ts'
import { Publication } from './publication.ts'
import type { Receipt } from './receipt.ts'
import type { EventRoute } from './routes.ts'
import { subscriberOf, type AnySubscriber } from './subscribing.ts'
import type { Subscriber } from './subscriber.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** Takes events to their subscribers: parse, record, then deliver. */
export class Events {
  readonly listeners = new Listeners()
  #core: Core
  #dispatcher: Dispatcher
  #mailroom: Mailroom

  constructor(parts: { core: Core; dispatcher: Dispatcher; mailroom: Mailroom }) {
    this.#core = parts.core
    this.#dispatcher = parts.dispatcher
    this.#mailroom = parts.mailroom
  }

  on(
    selector: EventDefinition | readonly EventDefinition[] | string,
    subscriber: AnySubscriber,
    options: SubscribeOptions | undefined,
    session: string | undefined,
  ): Unsubscribe {
    const selectors = [selector]
      .flat()
      .map((one) => (typeof one === 'string' ? checkPattern(one) : this.#core.routes.event(one).event.type))
    const entry = subscriberOf(subscriber, options)
    const remove = this.listeners.add(selectors, entry, session)
    return unsubscribe(() => {
      entry.active = false
      remove()
    })
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>, origin: Origin): Receipt {
    const core = this.#core
    const route = core.routes.event(event)
    const { from, session } = origin
    const refusal = core.refusal(event.type, from)
    if (refusal) throw refusal

    const parsed = this.#accept(route, event.data, data, origin)
    const key = event.key?.(parsed) ?? session ?? ''
    const targets = this.listeners.reachedBy(event.type, session)
    if (event.stream && core.recorder.on) return this.#publishDelta(route, parsed, origin, key, targets)

    const message = this.#message(event.type, origin, parsed)
    if (core.recorder.on)
      core.recorder.message(route.typeJson, message, route.maskData ? route.maskData(parsed) : parsed)
    return this.#send(message, key, origin, targets)
  }

  /** Delivers an event that was accepted before to one subscriber again, on behalf of the dead letters. */
  redeliver(message: Message, key: string, origin: Origin, subscriber: Subscriber, letter: string): Receipt {
    return this.#send(message, key, origin, [subscriber], letter)
  }

  /** The event of a dead letter of an earlier run: a new one with the same data, recorded like any other. */
  again({ type, session, data }: Pick<DeadLetter, 'type' | 'session' | 'data'>): {
    message: Message
    origin: Origin
  } {
    const { root, routes, recorder } = this.#core
    const origin = new Outside(root, session)
    const message = this.#message(type, origin, data)
    recorder.message(JSON.stringify(type), message, routes.masked(type, data))
    return { message, origin }
  }

  /** The data after parsing; what does not fit is refused, and the journal says so. */
  #accept<Data extends Schema>(
    route: EventRoute,
    schema: Data,
    data: z.input<Data>,
    { from }: Origin,
  ): z.output<Data> {
    try {
      const tooDeep = from && this.#core.tooDeep(route.event.type, from)
      if (tooDeep) throw tooDeep
      const parsed = parseWith(schema, data, route.dataName)
      if (!route.losslessData) assertLosslessJson(parsed, route.dataName)
      return parsed
    } catch (error) {
      this.#core.recorder.note('rejected', { type: route.event.type, error: failureOf(error) }, from?.message)
      throw error
    }
  }

  #publishDelta(
    route: EventRoute,
    delta: unknown,
    origin: Origin,
    key: string,
    targets: readonly Subscriber[],
  ): Receipt {
    const { type } = route.event
    const { batches } = this.#core
    const sender = origin.from?.message.id ?? `session ${origin.session ?? ''}`
    const batch = batches.messageFor(sender, route, () => this.#message(type, origin, undefined))
    const receipt = this.#send(this.#message(type, origin, delta, batch), key, origin, targets)
    batches.add(sender, type, TextDelta.parse(delta).text)
    return receipt
  }

  #message(type: string, { from, session }: Origin, data: unknown, batch?: Message): Message {
    const parent = from?.message
    const id = batch?.id ?? (parent === undefined ? this.#core.rootId() : parent.childId())
    return new Message(
      'event',
      type,
      id,
      this.#core.environment.now(),
      session,
      from?.turn,
      parent,
      data,
      batch,
    )
  }

  #send(
    message: Message,
    key: string,
    origin: Origin,
    targets: readonly Subscriber[],
    letter?: string,
  ): Publication {
    const publication = new Publication(
      this.#dispatcher,
      message,
      key,
      origin,
      targets,
      this.#core.root,
      letter,
    )
    const { tracker } = publication
    if (tracker) {
      tracker.message(message)
      tracker.begin(targets.length)
    }
    this.#mailroom.post(publication)
    return publication
  }
}
