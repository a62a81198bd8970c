import { BuslineError } from '../messages/busline-error.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { SubscribeOptions } from './bus.ts'
import { mailboxLimits } from './mailbox.ts'
import { retryPlan } from './retry.ts'
import { Subscriber } from './subscriber.ts'

/** To what somebody subscribes: an event, several, or a pattern. */
export type Selector = EventDefinition | readonly EventDefinition[] | string

/** A subscriber of any event, its types erased. */
export type AnySubscriber = (data: never, scope: never) => unknown

/** Makes a subscriber from what a user registers; checks the options. */
export function subscriberOf(subscriber: AnySubscriber, options: SubscribeOptions = {}): Subscriber {
  const { priority = 0, timeout, park = false, retry, mailbox, key } = options
  if (!Number.isFinite(priority))
    throw new BuslineError('INVALID_OPTION', `priority must be a number, not ${priority}.`)
  if (timeout !== undefined && !(timeout > 0))
    throw new BuslineError('INVALID_OPTION', `timeout must be more than 0 milliseconds, not ${timeout}.`)
  // Safe to erase: data was parsed with the schema of the event that the public signature paired it with.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const handler = subscriber as Subscriber['handler']
  return new Subscriber(options.name ?? (subscriber.name || 'anonymous'), handler, {
    limits: mailboxLimits(mailbox),
    hasOwnMailbox: mailbox !== undefined,
    retry:
      retry === undefined ? undefined : retryPlan(typeof retry === 'number' ? { attempts: retry } : retry),
    timeout,
    park,
    priority,
    key,
  })
}
