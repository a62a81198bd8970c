import type { DeliveryEnd, Overflow } from 'busline'

export interface ModelMessage {
  readonly kind: 'command' | 'event'
  readonly type: string
  readonly id: string
  readonly session: string | undefined
  readonly turn: string | undefined
  readonly parent: ModelMessage | undefined
  readonly root: string
  children: number
}

export interface ModelCommand extends ModelMessage {
  /** Who is to run it; undefined when nobody may. */
  handler: string | undefined
  /** It, or what waits for it, can be cancelled. */
  readonly limited: boolean
  begun: boolean
  /** How it is to end: `ok`, or the code of its error; undefined as long as that is open. */
  planned: string | undefined
  ended: { status: string; code: string } | undefined
}

export interface ModelEvent extends ModelMessage {
  readonly deliveries: ModelDelivery[]
  /** A mailbox has refused it. */
  rejected: boolean
}

export interface ModelSubscriber {
  readonly name: string
  readonly types: readonly string[]
  readonly session: string | undefined
  readonly mailbox: { readonly capacity: number; readonly overflow: Overflow } | undefined
  readonly attempts: number
  active: boolean
}

export interface ModelDelivery {
  readonly event: ModelEvent
  readonly subscriber: ModelSubscriber
  readonly key: string
  /** `ok` and `bad` are how an attempt ended; the bus has not yet said what becomes of it. */
  state: 'waiting' | 'overflowed' | 'going' | 'ok' | 'bad' | DeliveryEnd['outcome']
  attempts: number
}

const ENDED: readonly string[] = ['delivered', 'failed', 'skipped', 'dropped']

export const hasEnded = ({ state }: ModelDelivery): boolean => ENDED.includes(state)

/**
 * The bus without time: what it accepted, who is registered, and what is on its way to whom, in arrays. It is told
 * what programs ask of the real one and what that does, and says what must follow.
 */
export class ModelBus {
  readonly messages: ModelMessage[] = []
  readonly handlers: { name: string; type: string; session: string | undefined }[] = []
  readonly subscribers: ModelSubscriber[] = []
  readonly deliveries: ModelDelivery[] = []
  #roots = 0

  command(
    type: string,
    from: ModelMessage | undefined,
    session: string | undefined,
    { limited, startsTurn }: { limited: boolean; startsTurn: boolean },
  ): ModelCommand {
    const command = {
      ...this.#envelope('command', type, from, session, startsTurn),
      handler: this.#handlerOf(type, from ? from.session : session),
      limited: limited || (from !== undefined && 'limited' in from && from.limited === true),
      begun: false,
      planned: undefined,
      ended: undefined,
    }
    this.messages.push(command)
    return command
  }

  /** Accepts an event and puts it into the mailbox of each who hears it. */
  event(
    type: string,
    from: ModelMessage | undefined,
    session: string | undefined,
    ownKey?: string,
  ): ModelEvent {
    const event = {
      ...this.#envelope('event', type, from, session, false),
      deliveries: [],
      rejected: false,
    }
    this.messages.push(event)
    for (const subscriber of this.subscribers) {
      const hears = subscriber.session === undefined || subscriber.session === event.session
      if (subscriber.active && hears && subscriber.types.includes(type))
        this.#post(event, subscriber, ownKey ?? event.session ?? '')
    }
    return event
  }

  /** What else is or was on its way to the subscriber under this key, before this one, and has not ended. */
  ahead(delivery: ModelDelivery): ModelDelivery[] {
    return this.deliveries
      .slice(0, this.deliveries.indexOf(delivery))
      .filter((other) => inOneLane(other, delivery) && !hasEnded(other))
  }

  #envelope(
    kind: 'command' | 'event',
    type: string,
    parent: ModelMessage | undefined,
    session: string | undefined,
    startsTurn: boolean,
  ): ModelMessage & { kind: typeof kind } {
    const id = parent ? `${parent.id}.${++parent.children}` : `run-${++this.#roots}`
    return {
      kind,
      type,
      id,
      session: parent ? parent.session : session,
      turn: startsTurn ? id : parent?.turn,
      parent,
      root: parent?.root ?? id,
      children: 0,
    }
  }

  #handlerOf(type: string, session: string | undefined): string | undefined {
    const all = this.handlers.filter((handler) => handler.type === type)
    const own = all.find((handler) => session !== undefined && handler.session === session)
    return (own ?? all.find((handler) => handler.session === undefined))?.name
  }

  #post(event: ModelEvent, subscriber: ModelSubscriber, key: string): void {
    const delivery: ModelDelivery = { event, subscriber, key, state: 'waiting', attempts: 0 }
    const { capacity, overflow } = subscriber.mailbox ?? { capacity: Infinity, overflow: 'reject' }
    const waiting = this.deliveries.filter((other) => inOneLane(other, delivery) && other.state === 'waiting')
    if (waiting.length >= capacity) {
      const sameType = waiting.findLast((other) => other.event.type === event.type)
      const displaced =
        overflow === 'drop-oldest' ? waiting[0] : overflow === 'coalesce' ? sameType : undefined
      const waits = overflow === 'wait' && !isInDelivery(event.parent) && waiting.length < 2 * capacity
      if (displaced) displaced.state = 'overflowed'
      else if (!waits) {
        delivery.state = 'overflowed'
        if (overflow !== 'drop-newest') event.rejected = true
      }
    }
    event.deliveries.push(delivery)
    this.deliveries.push(delivery)
  }
}

function inOneLane(a: ModelDelivery, b: ModelDelivery): boolean {
  return a.subscriber === b.subscriber && a.key === b.key
}

/** Whether a message was sent within a delivery, directly or through commands. */
export function isInDelivery(from: ModelMessage | undefined): boolean {
  for (let at = from; at; at = at.parent) if (at.kind === 'event') return true
  return false
}
