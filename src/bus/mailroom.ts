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

/** What stands in an array's place that has none. */
const NOTHING: { targets: readonly Subscriber[] } = { targets: [] }

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
  /** Events whose deliveries have not begun, in their order. */
  #ready: Publication[] = []
  /** What {@link Mailroom.#pump} goes through, and how far it has come: whose delivery comes next. */
  #batch: Publication[] = []
  #at = 0
  #target = 0
  /** Lanes whose deliveries go on asynchronously. */
  #busy = new Set<Lane>()
  /** Those who came to their limit; see {@link Subscriber}. */
  #counted = new Set<Subscriber>()
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

  /** Deliveries that go on asynchronously. */
  get delivering(): number {
    return this.#busy.size
  }

  /** How many events wait for whom. */
  get queued(): { subscriber: string; waiting: number }[] {
    return [...this.#subscribersWithWork]
      .filter(({ queued }) => queued > 0)
      .map(({ name, queued }) => ({ subscriber: name, waiting: queued }))
  }

  /** The deliveries that go on or have not begun. */
  get unfinished(): { subscriber: Subscriber; message: Message }[] {
    const going = [...this.#busy].flatMap(({ subscriber, current }) =>
      current ? [{ subscriber, message: current.message }] : [],
    )
    const waiting = [...this.#subscribersWithWork].flatMap((subscriber) =>
      this.#waitingFor(subscriber).map(({ message }) => ({ subscriber, message })),
    )
    return [...going, ...waiting]
  }

  /** The events of a key that wait for a subscriber, behind the one that is being delivered. */
  behind(subscriber: Subscriber, key: string): Publication[] {
    return this.#waitingFor(subscriber).filter((publication) => subscriber.keyOf(publication) === key)
  }

  post(publication: Publication): void {
    const { targets } = publication
    if (targets.length === 0) return
    this.#pending += targets.length
    for (const subscriber of targets) {
      if (subscriber.counted) this.#enqueue(publication, subscriber)
      else if (++subscriber.queued > subscriber.capacity) {
        subscriber.queued--
        this.#beginToCount(subscriber)
        this.#enqueue(publication, subscriber)
      }
    }
    this.#ready.push(publication)
    if (this.#scheduled) return
    this.#scheduled = true
    if (this.#sinceYield < YIELD_AFTER || !publication.origin.from) queueMicrotask(this.#pump)
    else setImmediate(this.#pumpAfterYield)
  }

  /** Nothing begins to be delivered any more: what is accepted is skipped, what fails late is only noted. */
  close(): void {
    this.#closed = true
    // What waits behind a delivery that does not end. `stop` has noted it.
    for (const lane of this.#busy)
      for (let next = this.#take(lane); next; next = this.#take(lane))
        this.#end(next, lane.subscriber, lane.key, 'skipped', 0)
  }

  get #subscribersWithWork(): Set<Subscriber> {
    const subscribers = new Set([...this.#busy].map(({ subscriber }) => subscriber))
    for (const { targets } of this.#arriving) for (const subscriber of targets) subscribers.add(subscriber)
    return subscribers
  }

  /** What has not been gone through, the rest of the batch included. */
  get #arriving(): Publication[] {
    return [...this.#batch.slice(this.#at), ...this.#ready]
  }

  #waitingFor(subscriber: Subscriber): Publication[] {
    const inLanes = [...subscriber.lanes.values()].flatMap(({ queue }) => queue.toArray())
    return subscriber.counted ? inLanes : [...inLanes, ...this.#arrivingFor(subscriber)]
  }

  #arrivingFor(subscriber: Subscriber): Publication[] {
    const current = this.#batch[this.#at]
    return this.#arriving.filter(({ targets }, index) => {
      const place = targets.indexOf(subscriber)
      return place !== -1 && (index > 0 || !current || place >= this.#target)
    })
  }

  /** Puts the events of a subscriber in their lanes now, because from here on their number decides. */
  #beginToCount(subscriber: Subscriber): void {
    for (const publication of this.#arrivingFor(subscriber))
      subscriber.laneOf(subscriber.keyOf(publication)).queue.push(publication)
    subscriber.counted = true
    this.#counted.add(subscriber)
  }

  /** Takes an event into its lane, or does with it what the mailbox's policy says. */
  #enqueue(publication: Publication, subscriber: Subscriber): void {
    const lane = subscriber.laneOf(subscriber.keyOf(publication))
    if (lane.queue.length >= subscriber.capacity && !this.#makeRoom(publication, lane)) return
    lane.queue.push(publication)
    subscriber.queued++
  }

  #makeRoom(publication: Publication, lane: Lane): boolean {
    const { subscriber } = lane
    const { limits } = subscriber.plan
    const verdict = overflowing(lane.queue, publication, limits, !isInDelivery(publication.origin.from))
    if (verdict.newcomer === 'rejected' || verdict.newcomer === 'dropped') {
      if (verdict.newcomer === 'rejected')
        publication.refused(mailboxFull(subscriber.name, publication.message.type, limits.capacity))
      this.#drop(publication, lane)
      return false
    }
    if (verdict.newcomer === 'waits') publication.waits()
    else if (verdict.displaced) {
      subscriber.queued--
      this.#drop(verdict.displaced, lane)
    }
    return true
  }

  #drop(publication: Publication, { subscriber, key }: Lane): void {
    const { message } = publication
    const { overflow } = subscriber.plan.limits
    this.#recorder.note('dropped', { event: message.id, subscriber: subscriber.name, overflow }, message)
    this.#end(publication, subscriber, key, 'dropped', 0)
  }

  #pumpAfterYield = (): void => {
    this.#sinceYield = 0
    this.#pump()
  }

  #pump = (): void => {
    this.#scheduled = false
    const batch = this.#ready
    this.#batch = batch
    this.#ready = []
    for (this.#at = 0; this.#at < batch.length; this.#at++) {
      const publication = batch[this.#at]
      const { targets } = publication ?? NOTHING
      this.#sinceYield += targets.length
      for (this.#target = 0; this.#target < targets.length;) {
        const subscriber = targets[this.#target++]
        if (subscriber && publication) this.#begin(publication, subscriber)
      }
    }
    this.#batch = []
    this.#at = 0
    if (this.#counted.size > 0) this.#endCounting()
  }

  /** Begins a delivery, unless it has to wait in its lane. */
  #begin(publication: Publication, subscriber: Subscriber): void {
    const key = subscriber.plan.key ? subscriber.keyOf(publication) : publication.key
    const lane = subscriber.lanes.size === 0 ? undefined : subscriber.lanes.get(key)
    if (subscriber.counted) {
      // Gone from its lane if it was displaced, or if its turn came there already.
      if (lane && !lane.busy) this.#beginNext(lane)
      return
    }
    if (lane) return lane.queue.push(publication)
    subscriber.queued--
    const pending = this.#deliver(publication, subscriber, key)
    if (pending) this.#holdLane(subscriber.laneOf(key), publication, pending)
  }

  #beginNext(lane: Lane): void {
    const publication = this.#take(lane)
    const pending = publication && this.#deliver(publication, lane.subscriber, lane.key)
    if (pending) this.#holdLane(lane, publication, pending)
    else this.#leaveIfEmpty(lane)
  }

  #holdLane(lane: Lane, publication: Publication, pending: Promise<void>): void {
    lane.busy = true
    lane.current = publication
    this.#busy.add(lane)
    void this.#hold(lane, pending)
  }

  async #hold(lane: Lane, pending: Promise<void>): Promise<void> {
    await pending
    for (;;) {
      if (this.#sinceYield++ >= YIELD_AFTER && lane.queue.length > 0) await this.#yield()
      const next = this.#take(lane)
      if (!next) break
      lane.current = next
      await this.#deliver(next, lane.subscriber, lane.key)
    }
    lane.busy = false
    this.#busy.delete(lane)
    this.#leaveIfEmpty(lane)
  }

  #yield(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#sinceYield = 0
        resolve()
      })
    })
  }

  #take(lane: Lane): Publication | undefined {
    const { subscriber, queue } = lane
    const publication = queue.shift()
    if (!publication) return undefined
    subscriber.queued--
    // The one that moves up from before the mailbox into it.
    if (subscriber.waits) queue.at(subscriber.capacity - 1)?.taken()
    return publication
  }

  #leaveIfEmpty({ subscriber, key, queue }: Lane): void {
    if (queue.length === 0) subscriber.lanes.delete(key)
  }

  /** Nothing is on its way that has not been gone through, so whoever has no event waiting can go back to a number. */
  #endCounting(): void {
    if (this.#ready.length > 0) return
    for (const subscriber of this.#counted) {
      if (subscriber.queued > 0) continue
      subscriber.counted = false
      this.#counted.delete(subscriber)
    }
  }

  /** Runs a delivery. Returns a promise only if the subscriber did, or something around it; it never rejects. */
  #deliver(publication: Publication, subscriber: Subscriber, key: string): Promise<void> | undefined {
    const { message } = publication
    if (!subscriber.active || this.#closed) return this.#discard(publication, subscriber, key)
    if (subscriber.plan.park && subscriber.parkedKeys.has(key) && !publication.letter)
      return this.#park(publication, subscriber, key)

    const onion = this.#onionFor(message.type)
    if (onion || !subscriber.isPlain) return this.#deliverThrough(onion, publication, subscriber, key)

    const scope = new DeliveryScope(publication, subscriber)
    try {
      const outcome = subscriber.handler(message.data, scope)
      if (!isThenable(outcome)) {
        scope.running = false
        return this.#end(publication, subscriber, key, 'delivered', 1)
      }
      return Promise.resolve(outcome).then(
        () => {
          scope.running = false
          this.#end(publication, subscriber, key, 'delivered', 1)
        },
        (error: unknown) => {
          scope.running = false
          this.#fail(publication, subscriber, key, scope, error, 1)
        },
      )
    } catch (error) {
      scope.running = false
      return this.#fail(publication, subscriber, key, scope, error, 1)
    }
  }

  /** The same with middleware, attempts and time limits. */
  async #deliverThrough(
    onion: Onion | undefined,
    publication: Publication,
    subscriber: Subscriber,
    key: string,
  ): Promise<void> {
    const { message } = publication
    const { retry, timeout } = subscriber.plan
    for (let attempt = 1; ; attempt++) {
      const scope = new DeliveryScope(publication, subscriber)
      let reached = false
      const leaf = (_: unknown, inner: MessageScope): unknown => {
        // It may have left while the layers around it took their time.
        if (!subscriber.active || this.#closed) return undefined
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
        if (reached) return this.#end(publication, subscriber, key, 'delivered', attempt)
        if (!subscriber.active || this.#closed) return this.#discard(publication, subscriber, key)
        this.#recorder.note('filtered', { event: message.id, subscriber: subscriber.name }, message)
        return this.#end(publication, subscriber, key, 'skipped', 0)
      } catch (error) {
        scope.running = false
        let wait: number | undefined
        try {
          if (retry && !this.#closed) wait = retryIn(retry, attempt, error, this.#environment.random)
        } catch (thrown) {
          const failure = whenFailed(subscriber, thrown, error)
          return this.#fail(publication, subscriber, key, scope, failure, attempt)
        }
        if (wait === undefined) return this.#fail(publication, subscriber, key, scope, error, attempt)
        this.#report(publication, subscriber, scope, { attempt, error, retryIn: wait })
        try {
          await sleep(wait, this.#environment, this.#cancellation.signal)
        } catch {
          // The bus gives up: what is known to have failed is the last error, and that has been told.
          return this.#giveUp(publication, subscriber, key, error, attempt)
        }
      }
    }
  }

  #discard(publication: Publication, subscriber: Subscriber, key: string): undefined {
    const { message } = publication
    this.#recorder.note('discarded', { event: message.id, subscriber: subscriber.name }, message)
    return this.#end(publication, subscriber, key, 'skipped', 0)
  }

  #park(publication: Publication, subscriber: Subscriber, key: string): undefined {
    const error = new BuslineError(
      'PARKED',
      `Held back: an earlier event of key ${JSON.stringify(key)} is among the dead letters of ${subscriber.name}. Redrive or discard that one.`,
    )
    this.#letters.add({ publication, subscriber, key, error, attempts: 0 })
    return this.#end(publication, subscriber, key, 'failed', 0)
  }

  #fail(
    publication: Publication,
    subscriber: Subscriber,
    key: string,
    scope: DeliveryScope,
    error: unknown,
    attempts: number,
  ): undefined {
    this.#report(publication, subscriber, scope, { attempt: attempts, error })
    return this.#giveUp(publication, subscriber, key, error, attempts)
  }

  #giveUp(
    publication: Publication,
    subscriber: Subscriber,
    key: string,
    error: unknown,
    attempts: number,
  ): undefined {
    // A report that failed is in the journal; to redrive it would tell nobody anything.
    if (publication.message.type !== DeliveryFailed.type) {
      const isKept = this.#letters.add({ publication, subscriber, key, error, attempts })
      if (isKept && subscriber.plan.park) subscriber.parkedKeys.add(key)
    }
    return this.#end(publication, subscriber, key, 'failed', attempts)
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

  #end(
    publication: Publication,
    subscriber: Subscriber,
    key: string,
    outcome: Outcome,
    attempts: number,
  ): undefined {
    const lane = subscriber.lanes.size === 0 ? undefined : subscriber.lanes.get(key)
    if (lane?.current === publication) lane.current = undefined
    if (this.#probes.any) this.#probes.deliveryEnded(publication.message, subscriber.name, outcome, attempts)
    publication.ended(outcome)
    this.#pending--
    this.#ended++
    if (this.#pending === 0) this.#onIdle()
    return undefined
  }
}

/** A `retry.when` that throws ends the attempts; both errors are told. */
function whenFailed({ name }: Subscriber, thrown: unknown, cause: unknown): BuslineError {
  return new BuslineError('HANDLER_FAILED', `retry.when of ${name} threw: ${failureOf(thrown).message}`, {
    cause,
  })
}

/** Whether a scope is part of a delivery, its own or that of a command's caller. */
function isInDelivery(scope: MessageScope | undefined): boolean {
  for (let at = scope; at; at = at.parent) if (at.subscriber) return true
  return false
}
