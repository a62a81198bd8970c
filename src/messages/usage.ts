import * as z from 'zod'
import { TurnUsage } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'

/**
 * What was used and what it cost in US dollars; `usage.calls` counts the calls that told their usage, `unpriced` those whose
 * price is not known, which `cost` leaves out.
 */
export const UsageTotals = z.object({ usage: TurnUsage, cost: z.number(), unpriced: z.number() })
export type UsageTotals = z.output<typeof UsageTotals>

/** Tells what the scope's session, or a tenant, has used so far. */
export const ReadUsage = defineCommand('usage.read', {
  input: z.object({ tenant: z.string().optional() }),
  output: UsageTotals,
})

/** A model call was refused because a budget is used up: `limit` is `maxTokens` or `maxCost`, `scope` whose budget it is. */
export const BudgetExceeded = defineEvent('usage.budgetExceeded', {
  data: z.object({
    scope: z.enum(['session', 'tenant']),
    id: z.string(),
    limit: z.enum(['maxTokens', 'maxCost']),
    value: z.number(),
    max: z.number(),
  }),
})

/** The store of the tenants' totals failed, so `used` by the model call `call` is missing in them; its answer is not lost. */
export const UsageNotCounted = defineEvent('usage.notCounted', {
  data: z.object({ tenant: z.string(), call: z.string(), used: UsageTotals, error: Failure }),
})
