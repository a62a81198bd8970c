import { BuslineError } from '../messages/busline-error.ts'
import type { MessageScope } from './message-scope.ts'
import type { Subscriber } from './subscriber.ts'

/** How the deliveries of one event ended. */
export interface SettledReport {
  delivered: number
  failed: number
  /** Not delivered because a middleware held it back, or because the subscriber had left. */
  skipped: number
}

const ACCEPTED = Promise.resolve()

/**
 * Proof that an event was accepted and recorded. Not a promise: nothing to forget, nothing to leave unhandled.
 */
export class Receipt {
  /** The event's id. */
  readonly id: string
  /** Resolves when the event has been accepted. */
  readonly accepted: Promise<void> = ACCEPTED
  #publisher: MessageScope | undefined
  #targets: readonly (readonly Subscriber[])[] = []
  #key = ''
  #outstanding = 0
  #report: SettledReport = { delivered: 0, failed: 0, skipped: 0 }
  #settled: { promise: Promise<SettledReport>; resolve: (report: SettledReport) => void } | undefined
  #awaited = false

  constructor(id: string, publisher: MessageScope | undefined) {
    this.id = id
    this.#publisher = publisher
  }

  /**
   * Resolves when this event's own deliveries have ended; never rejects. Read inside a delivery that it depends
   * on, it throws `SELF_WAIT`, because waiting there would never end.
   */
  get settled(): Promise<SettledReport> {
    if (this.#outstanding > 0) this.#refuseSelfWait()
    this.#awaited = true
    if (!this.#settled) {
      const { promise, resolve } = deferred<SettledReport>()
      this.#settled = { promise, resolve }
      if (this.#outstanding === 0) resolve(this.#report)
    }
    return this.#settled.promise
  }

  /** @internal The subscribers that the event is on its way to, and the key of their lanes. */
  expect(targets: readonly (readonly Subscriber[])[], key: string, count: number): void {
    this.#targets = targets
    this.#key = key
    this.#outstanding = count
  }

  /** @internal One delivery has ended. */
  ended(how: keyof SettledReport): void {
    this.#report[how]++
    this.#outstanding--
    if (this.#outstanding === 0) this.#settled?.resolve(this.#report)
  }

  /** @internal The scope that waits for this event, if its publisher does. */
  get waiter(): MessageScope | undefined {
    return this.#awaited ? this.#publisher : undefined
  }

  #refuseSelfWait(): void {
    for (const { delivery, message } of blockedBy(this.#publisher)) {
      if (!delivery || delivery.key !== this.#key) continue
      if (!this.#targets.some((list) => list.includes(delivery.subscriber))) continue
      throw new BuslineError(
        'SELF_WAIT',
        `Waiting for event ${this.id} inside the delivery of ${message.type} (${message.id}) to ${delivery.subscriber.name} would never end: that subscriber gets it after this delivery. Don't await settled here.`,
        { data: { event: this.id, inside: message.id, subscriber: delivery.subscriber.name } },
      )
    }
  }
}

/**
 * The running scopes that can't go on until this one does: itself, those that executed it, and those that wait
 * for the event that it is a delivery of, or for one that comes after it in its lane.
 */
function blockedBy(scope: MessageScope | undefined, found = new Set<MessageScope>()): Set<MessageScope> {
  if (!scope?.running || found.has(scope)) return found
  found.add(scope)
  if (!scope.delivery) return blockedBy(scope.parent, found)

  const { subscriber, key, receipt, mailroom } = scope.delivery
  for (const blocked of [receipt, ...mailroom.behind(subscriber, key).map((later) => later.receipt)]) {
    blockedBy(blocked.waiter, found)
  }
  return found
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
