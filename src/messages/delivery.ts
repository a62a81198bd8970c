import * as z from 'zod'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'

/** A subscriber failed on an event; nobody else was touched. `attempt` counts from 1. */
export const DeliveryFailed = defineEvent('bus.deliveryFailed', {
  data: z.object({
    event: z.object({ id: z.string(), type: z.string() }),
    subscriber: z.string(),
    attempt: z.number(),
    error: Failure,
  }),
})
