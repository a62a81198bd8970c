import type * as z from 'zod'
import type { EventDefinition } from '../messages/define-event.ts'
import { TextDelta } from '../messages/define-event.ts'
import { failureOf } from '../messages/failure.ts'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import { parseWith, type Schema } from '../messages/schema.ts'
import type { SubscribeOptions } from './bus.ts'
import type { Core } from './core.ts'
import type { DeadLetter } from './dead-letter.ts'
import type { DeadLetterBox } from './dead-letters.ts'
import { Message } from './envelope.ts'
import { Listeners } from './listeners.ts'
import type { Mailroom } from './mailroom.ts'
import type { Dispatcher, MessageScope, Origin } from './message-scope.ts'
import { Outside } from './outside.ts'
import { checkPattern } from './pattern.ts'
import { Publication } from './publication.ts'
import type { Receipt } from './receipt.ts'
import type { EventRoute } from './routes.ts'
import type { Scope } from './scope.ts'
import { subscriberOf, type AnySubscriber } from './subscribing.ts'
import type { Subscriber } from './subscriber.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** Takes events to their subscribers: parse, record, then deliver. */
export class Events {
  readonly listeners = new Listeners()
  #core: Core
  #dispatcher: Dispatcher
  #mailroom: Mailroom
  #letters: DeadLetterBox

  constructor(parts: { core: Core; dispatcher: Dispatcher; mailroom: Mailroom; letters: DeadLetterBox }) {
    this.#core = parts.core
    this.#dispatcher = parts.dispatcher
    this.#mailroom = parts.mailroom
    this.#letters = parts.letters
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
    const entry = subscriberOf(this.#watched(subscriber), options)
    const remove = this.listeners.add(selectors, entry, session)
    // Letters that it left behind, or that another of its name did, are still before what comes now.
    if (entry.plan.park) this.#letters.park(entry.name)
    return unsubscribe(() => {
      entry.leave()
      remove()
      if (entry.plan.park) this.#letters.park(entry.name)
    })
  }

  /** The subscriber, run by the replay if there is one, under its own name. */
  #watched(subscriber: AnySubscriber): AnySubscriber {
    const { replaying } = this.#core
    if (!replaying) return subscriber
    const watched = (data: never, scope: Scope): unknown =>
      replaying.around(scope.message, () => Reflect.apply(subscriber, undefined, [data, scope]))
    return Object.defineProperty(watched, 'name', { value: subscriber.name })
  }

  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>, origin: Origin): Receipt {
    const core = this.#core
    const route = core.routes.event(event)
    const { session } = origin
    const parsed = this.#accept(route, event.data, data, origin)
    const key = this.#keyOf(event, parsed, origin)
    const targets = this.listeners.reachedBy(event.type, session)
    const maskedData = (): unknown => (route.maskData ? route.maskData(parsed) : parsed)
    const told = origin.from && core.replaying?.toldBefore(origin.from.message, event.type, maskedData())
    if (told) return told
    if (event.stream && core.recorder.on) return this.#publishDelta(route, parsed, origin, key, targets)

    const message = this.#message(event.type, origin, parsed)
    if (core.recorder.on) core.recorder.message(route.typeJson, message, maskedData())
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
    const refusal = this.#core.refusal(route.event.type, from)
    // Once the journal is closed there is nowhere to note it.
    if (refusal && this.#core.state === 'stopped') throw refusal
    try {
      if (refusal) throw refusal
      const tooDeep = from && this.#core.tooDeep(route.event.type, from)
      if (tooDeep) throw tooDeep
      const parsed = parseWith(schema, data, route.dataName)
      if (!route.losslessData) assertLosslessJson(parsed, route.dataName)
      return parsed
    } catch (error) {
      this.#noteRejected(route.event, from, error)
      throw error
    }
  }

  #keyOf<Data extends Schema>(event: EventDefinition<Data>, data: z.output<Data>, origin: Origin): string {
    if (!event.key) return origin.session ?? ''
    try {
      return event.key(data)
    } catch (error) {
      this.#noteRejected(event, origin.from, error)
      throw error
    }
  }

  #noteRejected({ type }: EventDefinition, from: MessageScope | undefined, error: unknown): void {
    this.#core.recorder.note('rejected', { type, error: failureOf(error) }, from?.message)
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
    return new Message('event', type, id, this.#core.stamp(), session, from?.turn, parent, data, batch)
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
