import * as z from 'zod'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'
import { Subject } from './subject.ts'

/**
 * One attempt at a message failed and another follows after `retryIn` milliseconds. `attempt` counts from 1. The last
 * attempt's failure is told once, as the outcome of the message.
 */
export const AttemptFailed = defineEvent('bus.attemptFailed', {
  data: z.object({ message: Subject, attempt: z.number(), retryIn: z.number(), error: Failure }),
})

/** A circuit lets nothing through for `cooldown` milliseconds, because of so many failures. */
export const CircuitOpened = defineEvent('bus.circuitOpened', {
  data: z.object({ key: z.string(), failures: z.number(), cooldown: z.number() }),
  key: ({ key }) => key,
})

/** A circuit has cooled down and lets some calls probe whether it can close. */
export const CircuitHalfOpened = defineEvent('bus.circuitHalfOpened', {
  data: z.object({ key: z.string() }),
  key: ({ key }) => key,
})

/** A circuit's probes succeeded: it lets everything through again. */
export const CircuitClosed = defineEvent('bus.circuitClosed', {
  data: z.object({ key: z.string() }),
  key: ({ key }) => key,
})

/** A command succeeded, but its outcome could not be kept under its idempotency key: the same call would run again. */
export const OutcomeNotStored = defineEvent('bus.outcomeNotStored', {
  data: z.object({ message: Subject, key: z.string(), error: Failure }),
})
