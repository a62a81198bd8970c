// Longer than 200 lines: the ways in which one delivery can end, of which exactly one is taken.
import { BuslineError } from '../messages/busline-error.ts'
import { DeliveryFailed } from '../messages/delivery.ts'
import { failureOf } from '../messages/failure.ts'
import { Cancellation } from './cancellation.ts'
import type { DeadLetterBox } from './dead-letters.ts'
import type { Environment } from './environment.ts'
import { isThenable } from './is-thenable.ts'
import { limited } from './limited.ts'
import { DeliveryScope, type MessageScope } from './message-scope.ts'
import type { Onion } from './middleware.ts'
import type { Publication } from './publication.ts'
import type { Recorder } from './recorder.ts'
import { retryIn } from './retry.ts'
import { sleep } from './sleep.ts'
import type { Subscriber } from './subscriber.ts'

export type Outcome = 'delivered' | 'failed' | 'skipped' | 'dropped'

/** Told of the end of a delivery; `attempts` counts how often the subscriber was run. */
type OnEnd = (
  publication: Publication,
  subscriber: Subscriber,
  key: string,
  outcome: Outcome,
  attempts: number,
) => undefined

/** Runs deliveries one by one: through the middleware, with attempts and time limits, to what comes of a failure. */
export class Deliveries {
  /** Nothing begins any more: what comes is discarded, what fails late is only noted. */
  closed = false
  #environment: Environment
  #recorder: Recorder
  #cancellation: Cancellation
  #letters: DeadLetterBox
  #onionFor: (type: string) => Onion | undefined
  #end: OnEnd

  constructor(parts: {
    environment: Environment
    recorder: Recorder
    cancellation: Cancellation
    letters: DeadLetterBox
    onionFor: (type: string) => Onion | undefined
    onEnd: OnEnd
  }) {
    this.#environment = parts.environment
    this.#recorder = parts.recorder
    this.#cancellation = parts.cancellation
    this.#letters = parts.letters
    this.#onionFor = parts.onionFor
    this.#end = parts.onEnd
  }

  /** Runs a delivery. Returns a promise only if the subscriber did, or something around it; it never rejects. */
  run(publication: Publication, subscriber: Subscriber, key: string): Promise<void> | undefined {
    const { message } = publication
    if (!subscriber.active || this.closed) return this.#discard(publication, subscriber, key)
    if (subscriber.plan.park && subscriber.parkedKeys.has(key) && !publication.letter)
      return this.#park(publication, subscriber, key)

    const onion = this.#onionFor(message.type)
    if (onion || !subscriber.isPlain) return this.#runThrough(onion, publication, subscriber, key)

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
  async #runThrough(
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
      let by = ''
      const onHeld = (layer: string): void => void (by = layer)
      const leaf = (_: unknown, inner: MessageScope): unknown => {
        // It may have left while the layers around it took their time.
        if (!subscriber.active || this.closed) return undefined
        reached = true
        return subscriber.handler(message.data, inner)
      }
      const run = (inner: MessageScope): unknown =>
        onion ? onion(message, inner, leaf, onHeld) : leaf(message, inner)
      try {
        await (timeout === undefined
          ? run(scope)
          : limited(scope, { timeout }, `${message.type} at ${subscriber.name}`, run))
        scope.running = false
        if (reached) return this.#end(publication, subscriber, key, 'delivered', attempt)
        if (!subscriber.active || this.closed) return this.#discard(publication, subscriber, key)
        this.#recorder.note(
          'filtered',
          { event: message.id, subscriber: subscriber.name, middleware: by },
          message,
        )
        return this.#end(publication, subscriber, key, 'skipped', 0)
      } catch (error) {
        scope.running = false
        let wait: number | undefined
        try {
          if (retry && !this.closed) wait = retryIn(retry, attempt, error, () => this.#draw(scope, attempt))
        } catch (thrown) {
          const failure = whenFailed(subscriber, thrown, error)
          return this.#fail(publication, subscriber, key, scope, failure, attempt)
        }
        if (wait === undefined) return this.#fail(publication, subscriber, key, scope, error, attempt)
        this.#report(publication, subscriber, scope, { attempt, error, retryIn: wait })
        try {
          await this.#pause(scope, wait)
        } catch {
          if (!subscriber.active) return this.#discard(publication, subscriber, key)
          // The bus gives up: what is known to have failed is the last error, and that has been told.
          return this.#giveUp(publication, subscriber, key, error, attempt)
        }
      }
    }
  }

  /** Follows from what is delivered to whom, so that a replay waits as long. */
  #draw({ message, subscriber }: DeliveryScope, attempt: number): number {
    return this.#environment.numberFor(`${message.id} to ${subscriber.name}, attempt ${attempt}`)
  }

  /** Waits before another attempt; rejects when the bus gives up or the subscriber leaves. */
  async #pause(scope: DeliveryScope, ms: number): Promise<void> {
    const { subscriber } = scope
    const own = new Cancellation({ parent: this.#cancellation })
    const off = subscriber.whenLeaving(() =>
      own.cancel(new BuslineError('CANCELLED', `${subscriber.name} was unsubscribed.`)),
    )
    try {
      await sleep(ms, scope, own.signal)
    } finally {
      off()
      own[Symbol.dispose]()
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
      `Held back behind earlier dead letters of ${subscriber.name} for key ${JSON.stringify(key)}. Redrive the first of them, or discard all.`,
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
    if (message.type === DeliveryFailed.type || this.closed)
      return this.#recorder.note('deliveryFailed', report, message)
    try {
      dispatcher.publish(DeliveryFailed, report, scope)
    } catch {
      this.#recorder.note('deliveryFailed', report, message)
    }
  }
}

/** A `retry.when` that throws ends the attempts; both errors are told. */
function whenFailed({ name }: Subscriber, thrown: unknown, cause: unknown): BuslineError {
  return new BuslineError('HANDLER_FAILED', `retry.when of ${name} threw: ${failureOf(thrown).message}`, {
    cause,
  })
}
