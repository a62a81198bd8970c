import { DeliveryFailed } from '../messages/delivery.ts'
import { failureOf } from '../messages/failure.ts'
import type { Cancellation } from './cancellation.ts'
import { isThenable } from './is-thenable.ts'
import { MessageScope, type Dispatcher } from './message-scope.ts'
import type { Onion } from './middleware.ts'
import type { Recorder } from './recorder.ts'
import type { Delivery, Subscriber } from './subscriber.ts'

/**
 * Delivers events: in record order, one at a time per subscriber and key, everything else in parallel. Work
 * begins in a microtask after the publishing code yields; a synchronous subscriber costs no promise.
 */
export class Mailroom {
  #dispatcher: Dispatcher
  #recorder: Recorder
  #cancellation: Cancellation
  #onionFor: (type: string) => Onion | undefined
  #ready: Delivery[] = []
  /** What {@link Mailroom.#pump} is going through, and how far it has come. */
  #batch: Delivery[] = []
  #next = 0
  #closed = false
  #scheduled = false
  #pending = 0
  #delivered = 0
  #onIdle: () => void

  constructor(parts: {
    dispatcher: Dispatcher
    recorder: Recorder
    cancellation: Cancellation
    onionFor: (type: string) => Onion | undefined
    onIdle: () => void
  }) {
    this.#dispatcher = parts.dispatcher
    this.#recorder = parts.recorder
    this.#cancellation = parts.cancellation
    this.#onionFor = parts.onionFor
    this.#onIdle = parts.onIdle
  }

  /** Deliveries accepted and not ended. */
  get pending(): number {
    return this.#pending
  }

  /** Deliveries that have ended, over the life of the bus. */
  get delivered(): number {
    return this.#delivered
  }

  post(delivery: Delivery): void {
    this.#pending++
    this.#ready.push(delivery)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#pump())
  }

  /** Nothing begins to be delivered any more: what is accepted is skipped, what fails late is only noted. */
  close(): void {
    this.#closed = true
  }

  /** The deliveries that can't begin before one of this lane has ended. */
  behind(subscriber: Subscriber, key: string): Delivery[] {
    const arriving = [...this.#batch.slice(this.#next), ...this.#ready]
    return [
      ...(subscriber.lanes.get(key) ?? []),
      ...arriving.filter((delivery) => delivery.subscriber === subscriber && delivery.key === key),
    ]
  }

  #pump(): void {
    this.#scheduled = false
    this.#batch = this.#ready
    this.#ready = []
    this.#next = 0
    for (const delivery of this.#batch) {
      this.#next++
      const lane = delivery.subscriber.lanes.get(delivery.key)
      if (lane) lane.push(delivery)
      else this.#start(delivery)
    }
    this.#batch = []
  }

  /** Runs a delivery; one that goes on asynchronously holds its lane until it has ended. */
  #start(delivery: Delivery): void {
    const pending = this.#run(delivery)
    if (!pending) return
    const lane: Delivery[] = []
    delivery.subscriber.lanes.set(delivery.key, lane)
    void this.#hold(delivery, lane, pending)
  }

  async #hold(first: Delivery, lane: Delivery[], pending: Promise<void>): Promise<void> {
    await pending
    for (let next = lane.shift(); next; next = lane.shift()) await this.#run(next)
    first.subscriber.lanes.delete(first.key)
  }

  /** Returns a promise only if the subscriber did; it never rejects. */
  #run(delivery: Delivery): Promise<void> | undefined {
    const { message, subscriber, key, receipt, publisher } = delivery
    if (!subscriber.active || this.#closed) {
      subscriber.discarded++
      this.#recorder.note('discarded', { event: message.id, subscriber: subscriber.name }, message)
      return this.#end(delivery, 'skipped')
    }

    const scope = new MessageScope(this.#dispatcher, message, {
      parent: undefined,
      cancellation: this.#cancellation,
      start: publisher?.start,
      context: publisher?.context,
      delivery: { subscriber, key, receipt, mailroom: this },
    })
    const onion = this.#onionFor(message.type)
    let reached = !onion
    const leaf = (): unknown => {
      reached = true
      return subscriber.handler(message.data, scope)
    }
    try {
      const outcome = onion ? onion(message, scope, leaf) : subscriber.handler(message.data, scope)
      if (!isThenable(outcome)) {
        scope.running = false
        return this.#end(delivery, 'delivered')
      }
      return Promise.resolve(outcome).then(
        () => {
          scope.running = false
          if (!reached)
            this.#recorder.note('filtered', { event: message.id, subscriber: subscriber.name }, message)
          this.#end(delivery, reached ? 'delivered' : 'skipped')
        },
        (error: unknown) => this.#fail(delivery, scope, error),
      )
    } catch (error) {
      this.#fail(delivery, scope, error)
      return undefined
    }
  }

  #fail(delivery: Delivery, scope: MessageScope, error: unknown): void {
    const { message, subscriber } = delivery
    scope.running = false
    const report = {
      event: { id: message.id, type: message.type },
      subscriber: subscriber.name,
      attempt: 1,
      error: failureOf(error),
    }
    // Who listens to failures and fails itself gets no second report of that: it would never end. A stopped bus
    // accepts no event.
    if (message.type === DeliveryFailed.type || this.#closed)
      this.#recorder.note('deliveryFailed', report, message)
    else this.#dispatcher.publish(DeliveryFailed, report, scope)
    this.#end(delivery, 'failed')
  }

  #end(delivery: Delivery, how: 'delivered' | 'failed' | 'skipped'): undefined {
    delivery.receipt.ended(how)
    this.#pending--
    this.#delivered++
    if (this.#pending === 0) this.#onIdle()
    return undefined
  }
}
