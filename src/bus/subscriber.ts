import { attempt } from './attempt.ts'
import { Fifo } from './fifo.ts'
import type { MailboxLimits } from './mailbox.ts'
import type { MessageScope } from './message-scope.ts'
import type { Publication } from './publication.ts'
import type { RetryPlan } from './retry.ts'

/** The events of one key on their way to one subscriber. */
export class Lane {
  readonly subscriber: Subscriber
  readonly key: string
  readonly queue = new Fifo<Publication>()
  /** Deliveries of this lane go on, so the next one must not begin. */
  busy = false
  /** The event whose delivery goes on, until it has ended. */
  current: Publication | undefined
  /** The one whose delivery went on when the bus had stopped: it has been counted. */
  abandoned: Publication | undefined

  constructor(subscriber: Subscriber, key: string) {
    this.subscriber = subscriber
    this.key = key
  }
}

/** How a subscriber wants its deliveries. */
export interface DeliveryPlan {
  readonly limits: MailboxLimits
  readonly hasOwnMailbox: boolean
  readonly retry: RetryPlan | undefined
  readonly timeout: number | undefined
  /** Whether a dead letter holds back the later events of its key. */
  readonly park: boolean
  readonly priority: number
  readonly key: ((message: Publication['message']) => string) | undefined
}

/**
 * One subscription. While a delivery is pending on a key, later events of that key wait in its lane; other keys
 * go on. A lane exists only while it is busy.
 *
 * As long as it is far from its limit only the number of its waiting events is kept; they find their lanes when their
 * turn comes. From there on, and always for a mailbox of its own, they are put in their lanes at once (`counted`), so
 * that the limit is exact.
 */
export class Subscriber {
  readonly name: string
  readonly handler: (data: unknown, scope: MessageScope) => unknown
  readonly plan: DeliveryPlan
  /** How many events a lane holds before its policy decides. */
  readonly capacity: number
  /** Events may wait before a full lane. */
  readonly waits: boolean
  /** Nothing but its handler takes part in a delivery. */
  readonly isPlain: boolean
  /** Keys whose events go to the dead letters, behind one that is there already. */
  readonly parkedKeys = new Set<string>()
  readonly lanes = new Map<string, Lane>()
  active = true
  #onLeave = new Set<() => void>()
  /** Its events are in their lanes from the beginning. */
  counted: boolean
  /** Events that wait, in whatever lane. */
  queued = 0
  /** What a key function of its own said of an event: it is asked once, so that lanes can rely on the answer. */
  #keys = new WeakMap<Publication, { key: string; failure?: { error: unknown } }>()

  constructor(name: string, handler: (data: unknown, scope: MessageScope) => unknown, plan: DeliveryPlan) {
    this.name = name
    this.handler = plan.key ? (data, scope) => this.#handleKeyed(handler, data, scope) : handler
    this.plan = plan
    this.capacity = plan.limits.capacity
    this.waits = plan.limits.overflow === 'wait'
    this.counted = plan.hasOwnMailbox
    this.isPlain = !plan.retry && plan.timeout === undefined && !plan.park
  }

  /** Begins nothing any more. */
  leave(): void {
    this.active = false
    for (const run of this.#onLeave) run()
  }

  /** Runs something when it leaves; returns how to prevent it. */
  whenLeaving(run: () => void): () => void {
    this.#onLeave.add(run)
    return () => void this.#onLeave.delete(run)
  }

  /** On which lane a publication comes. */
  keyOf(publication: Publication): string {
    return this.plan.key ? this.#keyedBy(this.plan.key, publication).key : publication.key
  }

  laneOf(key: string): Lane {
    const known = this.lanes.get(key)
    if (known) return known
    const lane = new Lane(this, key)
    this.lanes.set(key, lane)
    return lane
  }

  /** An event whose key can't be had comes on the lane of its own key, and its delivery fails. */
  #keyedBy(
    keyFor: NonNullable<DeliveryPlan['key']>,
    publication: Publication,
  ): { key: string; failure?: { error: unknown } } {
    const known = this.#keys.get(publication)
    if (known) return known
    const found = attempt(() => keyFor(publication.message))
    const answer = found.ok ? { key: found.value } : { key: publication.key, failure: { error: found.error } }
    this.#keys.set(publication, answer)
    return answer
  }

  #handleKeyed(handler: Subscriber['handler'], data: unknown, scope: MessageScope): unknown {
    const failure = scope.publication && this.#keys.get(scope.publication)?.failure
    if (failure) throw failure.error
    return handler(data, scope)
  }
}
