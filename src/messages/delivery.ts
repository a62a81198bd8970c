import * as z from 'zod'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'
import { Subject } from './subject.ts'

/**
 * A subscriber failed on an event; nobody else was touched. `attempt` counts from 1; `retryIn` are the milliseconds
 * until the next one, absent after the last.
 */
export const DeliveryFailed = defineEvent('bus.deliveryFailed', {
  data: z.object({
    event: Subject,
    subscriber: z.string(),
    attempt: z.number(),
    retryIn: z.number().optional(),
    error: Failure,
  }),
})
