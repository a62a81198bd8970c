import { BuslineError } from '../messages/busline-error.ts'
import type { Cancellation } from './cancellation.ts'
import type { Message } from './envelope.ts'
import type { Dispatcher, MessageScope, Origin } from './message-scope.ts'
import type { Receipt, SettledReport } from './receipt.ts'
import type { Subscriber } from './subscriber.ts'
import type { Tracker } from './tracker.ts'

const ACCEPTED = Promise.resolve()

/** One event with all of its deliveries: what they have in common, and how they end. */
export class Publication implements Receipt {
  readonly message: Message
  readonly key: string
  readonly origin: Origin
  /** Kept, because finding it through the origin would go through the whole chain of causes. */
  readonly start: Origin
  readonly dispatcher: Dispatcher
  readonly cancellation: Cancellation
  /** Those who get it, in order. */
  readonly targets: readonly Subscriber[]
  readonly tracker: Tracker | undefined
  /** The dead letter that this is a new delivery of. */
  readonly letter: string | undefined
  delivered = 0
  failed = 0
  skipped = 0
  dropped = 0
  #refusal: BuslineError | undefined
  #waiting = 0
  #accepted: Deferred<void> | undefined
  #settled: Deferred<SettledReport> | undefined

  constructor(
    dispatcher: Dispatcher,
    message: Message,
    key: string,
    origin: Origin,
    targets: readonly Subscriber[],
    cancellation: Cancellation,
    letter?: string,
  ) {
    this.dispatcher = dispatcher
    this.message = message
    this.key = key
    this.origin = origin
    this.start = origin.start
    this.tracker = this.start.tracker
    this.targets = targets
    this.cancellation = cancellation
    this.letter = letter
  }

  get id(): string {
    return this.message.id
  }

  get accepted(): Promise<void> {
    if (this.#accepted) return this.#accepted.promise
    if (this.#waiting === 0 && !this.#refusal) return ACCEPTED
    this.#accepted = deferred<void>()
    this.#tellAccepted()
    return this.#accepted.promise
  }

  get settled(): Promise<SettledReport> {
    if (this.#settled) return this.#settled.promise
    if (this.#outstanding > 0 && this.letter === undefined) this.#refuseSelfWait()
    this.#settled = deferred<SettledReport>()
    if (this.#outstanding === 0) this.#settled.resolve(this.#report())
    return this.#settled.promise
  }

  /** One delivery has ended. */
  ended(how: keyof SettledReport): void {
    // Spelled out: counting under a computed name costs more than the rest of a delivery.
    if (how === 'delivered') this.delivered++
    else if (how === 'failed') this.failed++
    else if (how === 'skipped') this.skipped++
    else this.dropped++
    this.tracker?.end()
    if (this.#settled && this.#outstanding === 0) this.#settled.resolve(this.#report())
  }

  /** A mailbox has no room for it yet. */
  waits(): void {
    this.#waiting++
  }

  /** A mailbox that it waited for has taken it. */
  taken(): void {
    this.#waiting--
    this.#tellAccepted()
  }

  /** A mailbox has no room for it at all. */
  refused(error: BuslineError): void {
    this.#refusal = error
    this.#tellAccepted()
  }

  /** The scope that waits for this event, if its publisher does; a redriven one is waited for by the dead letters. */
  get waiter(): MessageScope | undefined {
    return this.#settled && this.letter === undefined ? this.origin.from : undefined
  }

  get #outstanding(): number {
    return this.targets.length - this.delivered - this.failed - this.skipped - this.dropped
  }

  #report(): SettledReport {
    const { delivered, failed, skipped, dropped } = this
    return { delivered, failed, skipped, dropped }
  }

  #tellAccepted(): void {
    if (!this.#accepted || this.#waiting > 0) return
    if (!this.#refusal) return this.#accepted.resolve()
    this.#accepted.reject(this.#refusal)
  }

  #refuseSelfWait(): void {
    for (const { subscriber, publication, message } of blockedBy(this.origin.from)) {
      if (!subscriber || !publication || !this.targets.includes(subscriber)) continue
      if (subscriber.keyOf(publication) !== subscriber.keyOf(this)) continue
      // Not if its mailbox was full: then it does not get this one at all.
      if (publication !== this && !this.dispatcher.behind(subscriber, publication).includes(this)) continue
      throw new BuslineError(
        'SELF_WAIT',
        `Waiting for event ${this.id} inside the delivery of ${message.type} (${message.id}) to ${subscriber.name} would never end: that subscriber gets it after this delivery. Don't await settled here.`,
        { data: { event: this.id, inside: message.id, subscriber: subscriber.name } },
      )
    }
  }
}

/**
 * The running scopes that can't go on until this one does: itself, those that executed it, and those that wait
 * for the event that it is a delivery of, or for one that comes after it in its lane.
 */
export function blockedBy(
  scope: MessageScope | undefined,
  found = new Set<MessageScope>(),
): Set<MessageScope> {
  if (!scope?.running || found.has(scope)) return found
  found.add(scope)
  const { subscriber, publication } = scope
  if (!subscriber || !publication) return blockedBy(scope.parent, found)

  for (const blocked of [publication, ...publication.dispatcher.behind(subscriber, publication)]) {
    blockedBy(blocked.waiter, found)
  }
  return found
}

interface Deferred<T> {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: BuslineError) => void
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: BuslineError) => void = () => undefined
  const promise = new Promise<T>((settle, refuse) => {
    resolve = settle
    reject = refuse
  })
  return { promise, resolve, reject }
}
