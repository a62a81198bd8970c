import type * as z from 'zod'
import type { Scope } from '../bus/scope.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'

/**
 * Publishes what a policy has to tell. A report that the bus refuses (the chain of causes is too long, the bus has
 * stopped) must not become the outcome of the message that it is about.
 */
export function announce<Data extends Schema>(
  scope: Scope,
  event: EventDefinition<Data>,
  data: z.input<Data>,
): void {
  try {
    scope.publish(event, data)
  } catch {
    // The journal has it as `bus.rejected`, unless it is closed.
  }
}
