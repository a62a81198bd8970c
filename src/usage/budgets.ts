import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { optionFault } from '../messages/option-fault.ts'
import type { UsageTotals } from '../messages/usage.ts'

export const BudgetShape = z.strictObject({
  maxTokens: z.number().nonnegative().optional(),
  maxCost: z.number().nonnegative().optional(),
})

/** How much may be used: tokens of all calls together, and US dollars (default: no limit). */
export interface Budget {
  maxTokens?: number | undefined
  maxCost?: number | undefined
}

/** Whose budget it is. */
export interface Owner {
  readonly scope: 'session' | 'tenant'
  readonly id: string
}

export interface Excess extends Owner {
  readonly limit: 'maxTokens' | 'maxCost'
  readonly value: number
  readonly max: number
}

/** Refuses a budget with a field that is no limit, naming it. */
export function checkBudget(option: string, budget: Budget): Budget {
  const fault = optionFault(BudgetShape, budget)
  if (!fault) return budget
  throw invalidUsageOption(
    [option, fault.field].filter(Boolean).join('.'),
    `${fault.why}. A budget is { maxTokens?, maxCost? }, numbers from 0 on.`,
  )
}

export function invalidUsageOption(option: string, why: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `usageMeter.${option}: ${why}`, { data: { option } })
}

/** The first limit that is used up; undefined when there is something left of each. */
export function excessOf(owner: Owner, budget: Budget, { usage, cost }: UsageTotals): Excess | undefined {
  const { maxTokens, maxCost } = budget
  if (maxTokens !== undefined && usage.totalTokens >= maxTokens)
    return { ...owner, limit: 'maxTokens', value: usage.totalTokens, max: maxTokens }
  if (maxCost !== undefined && cost >= maxCost)
    return { ...owner, limit: 'maxCost', value: cost, max: maxCost }
  return undefined
}

export function budgetExceeded({ scope, id, limit, value, max }: Excess): BuslineError {
  return new BuslineError(
    'BUDGET_EXCEEDED',
    `The ${limit} of ${scope} ${id} is used up: ${value} of ${max}. Raise budgets.${scope}, or begin another ${scope}.`,
    { data: { scope, id, limit, value, max } },
  )
}

export function priceUnknown(model: string | null, { scope, id }: Owner): BuslineError {
  const what =
    model === null
      ? 'the request names no model, so its price is not known. Name one, or give usageMeter({ model }) the one that the provider asks for'
      : `the price of ${model} is not known. Give usageMeter({ prices }) a table with it: { ...PRICES, models: [{ match: '${model}', input, output }, ...PRICES.models] }`
  return new BuslineError('PRICE_UNKNOWN', `The ${scope} ${id} has a budget of cost, and ${what}.`, {
    data: { scope, id, model },
  })
}
