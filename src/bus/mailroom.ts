// Longer than 200 lines: who is next, in which order and within which limit, is one invariant.
import type { Cancellation } from './cancellation.ts'
import type { DeadLetterBox } from './dead-letters.ts'
import { Deliveries, type Outcome } from './deliveries.ts'
import type { Message } from './envelope.ts'
import type { Environment } from './environment.ts'
import { mailboxFull, overflowing } from './mailbox.ts'
import type { MessageScope } from './message-scope.ts'
import type { Onion } from './middleware.ts'
import type { Probes } from './probes.ts'
import type { Publication } from './publication.ts'
import type { Recorder } from './recorder.ts'
import type { Lane, Subscriber } from './subscriber.ts'

/** After so many deliveries that deliveries caused, timers and I/O get their turn before the next. */
const YIELD_AFTER = 10_000

/** What stands in an array's place that has none. */
const NOTHING: { targets: readonly Subscriber[] } = { targets: [] }

/**
 * Delivers events: in record order, one at a time per subscriber and key, everything else in parallel. Work
 * begins in a microtask after the publishing code yields; a synchronous subscriber costs no promise.
 */
export class Mailroom {
  #recorder: Recorder
  #probes: Probes
  #deliveries: Deliveries
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
    this.#recorder = parts.recorder
    this.#probes = parts.probes
    this.#onIdle = parts.onIdle
    this.#deliveries = new Deliveries({
      ...parts,
      onEnd: (publication, subscriber, key, outcome, attempts) =>
        this.#end(publication, subscriber, key, outcome, attempts),
    })
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

  /**
   * Nothing begins to be delivered any more. What goes on counts as skipped, whatever it still comes to, and so does what
   * waits behind it; `stop` has noted both.
   */
  close(): void {
    this.#deliveries.closed = true
    for (const lane of this.#busy) {
      const { current, subscriber, key } = lane
      if (current) this.#end(current, subscriber, key, 'skipped', 0)
      lane.abandoned = current
      for (let next = this.#take(lane); next; next = this.#take(lane))
        this.#end(next, subscriber, key, 'skipped', 0)
    }
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
    const pending = this.#deliveries.run(publication, subscriber, key)
    if (pending) this.#holdLane(subscriber.laneOf(key), publication, pending)
  }

  #beginNext(lane: Lane): void {
    const publication = this.#take(lane)
    const pending = publication && this.#deliveries.run(publication, lane.subscriber, lane.key)
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
      await this.#deliveries.run(next, lane.subscriber, lane.key)
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

  #end(
    publication: Publication,
    subscriber: Subscriber,
    key: string,
    outcome: Outcome,
    attempts: number,
  ): undefined {
    const lane = subscriber.lanes.size === 0 ? undefined : subscriber.lanes.get(key)
    if (lane?.abandoned === publication) return undefined
    if (lane?.current === publication) lane.current = undefined
    if (this.#probes.any) this.#probes.deliveryEnded(publication.message, subscriber.name, outcome, attempts)
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
