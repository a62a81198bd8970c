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

  constructor(subscriber: Subscriber, key: string) {
    this.subscriber = subscriber
    this.key = key
  }
}

/** How a subscriber wants its deliveries. */
export interface DeliveryPlan {
  readonly limits: MailboxLimits
  readonly retry: RetryPlan | undefined
  readonly timeout: number | undefined
  /** Whether a dead letter holds back the later events of its key. */
  readonly park: boolean
  readonly priority: number
  readonly key: ((message: Publication['message']) => string) | undefined
}

/**
 * One subscription. While a delivery is pending on a key, later events of that key wait in its lane; other keys
 * go on. A lane exists only while it is busy, but for the last one used.
 */
export class Subscriber {
  readonly name: string
  readonly handler: (data: unknown, scope: MessageScope) => unknown
  readonly plan: DeliveryPlan
  /** Nothing but its handler takes part in a delivery. */
  readonly isPlain: boolean
  /** Keys whose events go to the dead letters, behind one that is there already. */
  readonly parkedKeys = new Set<string>()
  active = true
  #lanes = new Map<string, Lane>()
  #last: Lane | undefined

  constructor(name: string, handler: (data: unknown, scope: MessageScope) => unknown, plan: DeliveryPlan) {
    this.name = name
    this.handler = handler
    this.plan = plan
    this.isPlain = !plan.retry && plan.timeout === undefined && !plan.park
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values()
  }

  laneOf(key: string): Lane {
    const last = this.#last
    if (last?.key === key) return last
    const known = this.#lanes.get(key)
    if (known) return known

    if (last) this.#letGo(last)
    const lane = new Lane(this, key)
    this.#lanes.set(key, lane)
    this.#last = lane
    return lane
  }

  /** Forgets a lane that has nothing to do, unless it is the one that is most likely to be used next. */
  rest(lane: Lane): void {
    if (lane !== this.#last) this.#letGo(lane)
  }

  /** The events that can't be delivered before the one of this key that is being delivered has ended. */
  behind(key: string): Publication[] {
    return this.#lanes.get(key)?.queue.toArray() ?? []
  }

  #letGo(lane: Lane): void {
    if (!lane.busy && lane.queue.length === 0) this.#lanes.delete(lane.key)
  }
}
