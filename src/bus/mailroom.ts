// Longer than 200 lines: how one delivery begins, goes on and ends is one story.
import { DeliveryFailed } from '../messages/delivery.ts'
import { failureOf } from '../messages/failure.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { Cancellation } from './cancellation.ts'
import type { DeadLetterBox } from './dead-letters.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import { isThenable } from './is-thenable.ts'
import { limited } from './limited.ts'
import { mailboxFull, overflowing } from './mailbox.ts'
import { DeliveryScope, type MessageScope } from './message-scope.ts'
import type { Onion } from './middleware.ts'
import type { Probes } from './probes.ts'
import type { Publication } from './publication.ts'
import type { Recorder } from './recorder.ts'
import { retryIn } from './retry.ts'
import { sleep } from './sleep.ts'
import type { Lane, Subscriber } from './subscriber.ts'

/** After so many deliveries that deliveries caused, timers and I/O get their turn before the next. */
const YIELD_AFTER = 10_000

type Outcome = 'delivered' | 'failed' | 'skipped' | 'dropped'

/**
 * Delivers events: in record order, one at a time per subscriber and key, everything else in parallel. Work
 * begins in a microtask after the publishing code yields; a synchronous subscriber costs no promise.
 */
export class Mailroom {
  #environment: Environment
  #recorder: Recorder
  #cancellation: Cancellation
  #probes: Probes
  #letters: DeadLetterBox
  #onionFor: (type: string) => Onion | undefined
  #onIdle: () => void
  /** One entry a delivery, in the order in which they begin; a lane that is busy then goes on by itself. */
  #ready: Lane[] = []
  /** Those whose delivery goes on asynchronously. */
  #busy = new Set<Lane>()
  #closed = false
  #scheduled = false
  #sinceYield = 0
  #pending = 0
  #ended = 0

  constructor(parts: {
    environment: Environment
    recorder: Recorder
    cancellation: Cancellation
    probes: Probes
    letters: DeadLetterBox
    onionFor: (type: string) => Onion | undefined
    onIdle: () => void
  }) {
    this.#environment = parts.environment
    this.#recorder = parts.recorder
    this.#cancellation = parts.cancellation
    this.#probes = parts.probes
    this.#letters = parts.letters
    this.#onionFor = parts.onionFor
    this.#onIdle = parts.onIdle
  }

  /** Deliveries accepted and not ended. */
  get pending(): number {
    return this.#pending
  }

  /** Deliveries that have ended, over the life of the bus. */
  get ended(): number {
    return this.#ended
  }

  /** Deliveries that have not begun. */
  get waiting(): number {
    return this.#pending - this.#busy.size
  }

  /** The deliveries that go on or have not begun. */
  get unfinished(): { subscriber: Subscriber; message: Message }[] {
    const lanes = new Set([...this.#busy, ...this.#ready])
    return [...lanes].flatMap(({ subscriber, current, queue }) =>
      [...(current ? [current] : []), ...queue.toArray()].map(({ message }) => ({ subscriber, message })),
    )
  }

  post(publication: Publication): void {
    const { targets, message } = publication
    if (targets.length === 0) return
    this.#pending += targets.length
    for (const subscriber of targets) {
      const key = subscriber.plan.key ? subscriber.plan.key(message) : publication.key
      const lane = subscriber.laneOf(key)
      if (lane.queue.length >= subscriber.plan.limits.capacity) this.#overflow(publication, lane)
      else {
        lane.queue.push(publication)
        this.#ready.push(lane)
      }
    }
    if (this.#scheduled) return
    this.#scheduled = true
    if (this.#sinceYield < YIELD_AFTER || !publication.origin.from) queueMicrotask(this.#pump)
    else setImmediate(this.#pumpAfterYield)
  }

  /** Nothing begins to be delivered any more: what is accepted is skipped, what fails late is only noted. */
  close(): void {
    this.#closed = true
  }

  #overflow(publication: Publication, lane: Lane): void {
    const { name, plan } = lane.subscriber
    const { limits } = plan
    const verdict = overflowing(lane.queue, publication, limits, !isInDelivery(publication.origin.from))
    if (verdict.newcomer === 'rejected' || verdict.newcomer === 'dropped') {
      if (verdict.newcomer === 'rejected')
        publication.refused(mailboxFull(name, publication.message.type, limits.capacity))
      return this.#drop(publication, lane)
    }
    if (verdict.newcomer === 'waits') publication.waits()
    else if (verdict.displaced) this.#drop(verdict.displaced, lane)
    lane.queue.push(publication)
    this.#ready.push(lane)
  }

  #drop(publication: Publication, lane: Lane): void {
    const { message } = publication
    const { subscriber } = lane
    const { overflow } = subscriber.plan.limits
    this.#recorder.note('dropped', { event: message.id, subscriber: subscriber.name, overflow }, message)
    this.#end(publication, lane, 'dropped', 0)
  }

  #pumpAfterYield = (): void => {
    this.#sinceYield = 0
    this.#pump()
  }

  #pump = (): void => {
    this.#scheduled = false
    const batch = this.#ready
    this.#ready = []
    this.#sinceYield += batch.length
    for (const lane of batch) if (!lane.busy) this.#next(lane)
  }

  /** Begins the next delivery of a lane that is free; one that goes on asynchronously holds the lane. */
  #next(lane: Lane): void {
    const publication = this.#take(lane)
    if (!publication) return lane.subscriber.rest(lane)
    lane.busy = true
    lane.current = publication
    const pending = this.#deliver(publication, lane)
    if (pending) {
      this.#busy.add(lane)
      void this.#hold(lane, pending)
      return
    }
    lane.busy = false
    if (lane.queue.length === 0) lane.subscriber.rest(lane)
  }

  async #hold(lane: Lane, pending: Promise<void>): Promise<void> {
    await pending
    for (let next = this.#take(lane); next; next = this.#take(lane)) {
      lane.current = next
      await this.#deliver(next, lane)
    }
    lane.busy = false
    this.#busy.delete(lane)
    lane.subscriber.rest(lane)
  }

  #take(lane: Lane): Publication | undefined {
    const { limits } = lane.subscriber.plan
    const publication = lane.queue.shift()
    // The one that moves up from before the mailbox into it.
    if (limits.overflow === 'wait') lane.queue.at(limits.capacity - 1)?.taken()
    return publication
  }

  /** Runs a delivery. Returns a promise only if the subscriber did, or something around it; it never rejects. */
  #deliver(publication: Publication, lane: Lane): Promise<void> | undefined {
    const { subscriber, key } = lane
    const { message } = publication
    if (!subscriber.active || this.#closed) return this.#discard(publication, lane)
    if (subscriber.plan.park && subscriber.parkedKeys.has(key) && !publication.letter)
      return this.#park(publication, lane)

    const onion = this.#onionFor(message.type)
    if (onion || !subscriber.isPlain) return this.#deliverThrough(onion, publication, lane)

    const scope = new DeliveryScope(publication, subscriber)
    try {
      const outcome = subscriber.handler(message.data, scope)
      if (!isThenable(outcome)) {
        scope.running = false
        return this.#end(publication, lane, 'delivered', 1)
      }
      return Promise.resolve(outcome).then(
        () => {
          scope.running = false
          this.#end(publication, lane, 'delivered', 1)
        },
        (error: unknown) => {
          scope.running = false
          this.#fail(publication, lane, scope, error, 1)
        },
      )
    } catch (error) {
      scope.running = false
      return this.#fail(publication, lane, scope, error, 1)
    }
  }

  /** The same with middleware, attempts and time limits. */
  async #deliverThrough(onion: Onion | undefined, publication: Publication, lane: Lane): Promise<void> {
    const { subscriber } = lane
    const { message } = publication
    const { retry, timeout } = subscriber.plan
    for (let attempt = 1; ; attempt++) {
      const scope = new DeliveryScope(publication, subscriber)
      let reached = false
      const leaf = (_: unknown, inner: MessageScope): unknown => {
        reached = true
        return subscriber.handler(message.data, inner)
      }
      const run = (inner: MessageScope): unknown =>
        onion ? onion(message, inner, leaf) : leaf(message, inner)
      try {
        await (timeout === undefined
          ? run(scope)
          : limited(scope, { timeout }, `${message.type} at ${subscriber.name}`, run))
        scope.running = false
        if (reached) return this.#end(publication, lane, 'delivered', attempt)
        this.#recorder.note('filtered', { event: message.id, subscriber: subscriber.name }, message)
        return this.#end(publication, lane, 'skipped', 0)
      } catch (error) {
        scope.running = false
        const wait =
          retry && !this.#closed ? retryIn(retry, attempt, error, this.#environment.random) : undefined
        if (wait === undefined) return this.#fail(publication, lane, scope, error, attempt)
        this.#report(publication, subscriber, scope, { attempt, error, retryIn: wait })
        try {
          await sleep(wait, this.#environment, this.#cancellation.signal)
        } catch {
          // The bus gives up: what is known to have failed is the last error, not that of the waiting.
          return this.#fail(publication, lane, scope, error, attempt)
        }
      }
    }
  }

  #discard(publication: Publication, lane: Lane): undefined {
    const { message } = publication
    const { subscriber } = lane
    this.#recorder.note('discarded', { event: message.id, subscriber: subscriber.name }, message)
    return this.#end(publication, lane, 'skipped', 0)
  }

  #park(publication: Publication, lane: Lane): undefined {
    const { subscriber, key } = lane
    const error = new BuslineError(
      'PARKED',
      `Held back: an earlier event of key ${JSON.stringify(key)} is among the dead letters of ${subscriber.name}. Redrive or discard that one.`,
    )
    this.#letters.add({ publication, subscriber, key, error, attempts: 0 })
    return this.#end(publication, lane, 'failed', 0)
  }

  #fail(
    publication: Publication,
    lane: Lane,
    scope: DeliveryScope,
    error: unknown,
    attempts: number,
  ): undefined {
    const { subscriber, key } = lane
    this.#report(publication, subscriber, scope, { attempt: attempts, error })
    // A report that failed is in the journal; to redrive it would tell nobody anything.
    if (publication.message.type !== DeliveryFailed.type) {
      if (subscriber.plan.park) subscriber.parkedKeys.add(key)
      this.#letters.add({ publication, subscriber, key, error, attempts })
    }
    return this.#end(publication, lane, 'failed', attempts)
  }

  #report(
    { message, dispatcher }: Publication,
    subscriber: Subscriber,
    scope: DeliveryScope,
    { attempt, error, retryIn: wait }: { attempt: number; error: unknown; retryIn?: number },
  ): void {
    const report = {
      event: { id: message.id, type: message.type },
      subscriber: subscriber.name,
      attempt,
      ...(wait === undefined ? {} : { retryIn: wait }),
      error: failureOf(error),
    }
    // Who listens to failures and fails itself gets no second report of that: it would never end. A stopped bus
    // accepts no event, and a chain that is too long no further one.
    if (message.type === DeliveryFailed.type || this.#closed)
      return this.#recorder.note('deliveryFailed', report, message)
    try {
      dispatcher.publish(DeliveryFailed, report, scope)
    } catch {
      this.#recorder.note('deliveryFailed', report, message)
    }
  }

  #end(publication: Publication, lane: Lane, outcome: Outcome, attempts: number): undefined {
    if (lane.current === publication) lane.current = undefined
    if (this.#probes.any)
      this.#probes.deliveryEnded(publication.message, lane.subscriber.name, outcome, attempts)
    publication.ended(outcome)
    this.#pending--
    this.#ended++
    if (this.#pending === 0) this.#onIdle()
    return undefined
  }
}

/** Whether a scope is part of a delivery, its own or that of a command's caller. */
function isInDelivery(scope: MessageScope | undefined): boolean {
  for (let at = scope; at; at = at.parent) if (at.subscriber) return true
  return false
}
