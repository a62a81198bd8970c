import * as z from 'zod'
import type { Participant } from '../bus/bus.ts'
import { isThenable } from '../bus/is-thenable.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { TokenUsage } from '../messages/conversation.ts'
import { failureOf } from '../messages/failure.ts'
import { CallModel } from '../messages/model.ts'
import { optionFault } from '../messages/option-fault.ts'
import { ReadUsage, UsageNotCounted, type UsageTotals } from '../messages/usage.ts'
import { guardBudgets, type BudgetOptions } from './budget-guard.ts'
import { invalidUsageOption } from './budgets.ts'
import { costOf } from './cost-of.ts'
import { checkPrices, type PriceTable } from './price-table.ts'
import { PRICES } from './prices.ts'
import { sessionUsage } from './session-usage.ts'
import { memoryUsage, type UsageStore } from './usage-store.ts'
import { NOTHING_USED, totalsOfCall } from './usage-totals.ts'

export interface UsageMeterOptions {
  /** What models cost (default: {@link PRICES}). */
  prices?: PriceTable
  /** How much sessions and tenants may use (default: no limit). */
  budgets?: BudgetOptions
  /** Whose call it is, e.g. by `scope.context`; undefined for nobody's (default: no tenants). */
  tenant?: (scope: Scope) => string | undefined
  /** Where the totals of tenants are kept (default: in this process). */
  store?: UsageStore
  /** What the provider asks for where a request names no model: its price counts then. */
  model?: string
}

const callable = z.custom((value) => typeof value === 'function', 'expected a function')

const Options = z.strictObject({
  // checkPrices and guardBudgets say what is wrong inside.
  prices: z.unknown().optional(),
  budgets: z.strictObject({ session: z.unknown().optional(), tenant: z.unknown().optional() }).optional(),
  tenant: callable.optional(),
  store: z.looseObject({ get: callable, add: callable }).optional(),
  model: z.string().min(1).optional(),
})

const Asked = z.looseObject({ model: z.string().nullable() })
const Answered = z.looseObject({
  usage: TokenUsage.nullable(),
  model: z.string().nullable(),
  cost: z.number().nullable().optional(),
})

/**
 * Prices model calls, adds up what sessions and tenants use, and refuses calls when a budget is used up. Every `model.call`
 * counts once, by itself: attempts, repairs, summaries, and calls that tools make. A failed one counts where its error tells a
 * `usage`; its cost, null when unknown, is put into the error's `data.cost`. The price is that of the model that the server named, else of the one asked for,
 * which the answer then names; a cost that the provider told stays.
 *
 * A budget is checked before a call is sent, and what a call takes is known when it ended: calls that run at the same
 * time may exceed it by what all of them take together.
 *
 * @throws BuslineError `INVALID_OPTION`; calls reject with `BUDGET_EXCEEDED`, and with `PRICE_UNKNOWN` where a budget has a
 * `maxCost` and there is no price
 */
export function usageMeter(options: UsageMeterOptions = {}): Participant {
  const fault = optionFault(Options, options)
  if (fault) throw invalidUsageOption(fault.field, `${fault.why}. See UsageMeterOptions.`)
  const { budgets = {}, tenant: tenantOf = () => undefined, store = memoryUsage() } = options
  const prices = checkPrices(options.prices ?? PRICES)
  const guard = guardBudgets(budgets)

  return function usageMeter(bus) {
    const sessions = sessionUsage(bus)
    const counted = new WeakSet<object>()

    const count = async (used: UsageTotals, tenant: string | undefined, scope: Scope): Promise<void> => {
      if (scope.session !== undefined) sessions.add(scope.session, used)
      if (tenant === undefined) return
      try {
        const adding = store.add(tenant, used)
        if (isThenable(adding)) await adding
      } catch (error) {
        scope.publish(UsageNotCounted, { tenant, call: scope.message.id, used, error: failureOf(error) })
      }
    }
    const priced = (usage: TokenUsage | null, names: (string | null)[], at: number): number | null => {
      for (const name of names) {
        const cost = costOf(usage, name, prices, at)
        if (cost !== null) return cost
      }
      return null
    }

    bus.use(
      async function usageMeter(message, next, scope) {
        const asked = Asked.safeParse(message.data)
        const model = (asked.success ? asked.data.model : null) ?? options.model ?? null
        const tenant = tenantOf(scope)
        const { session } = scope
        if (session !== undefined && guard.session)
          guard.check({ scope: 'session', id: session }, await sessions.read(session, scope), scope)
        if (tenant !== undefined && guard.hasBudget(tenant))
          guard.check({ scope: 'tenant', id: tenant }, (await store.get(tenant)) ?? NOTHING_USED, scope)
        guard.checkPrice({ session, tenant, model, known: priced(NO_USAGE, [model], scope.now()) !== null })

        let outcome: unknown
        try {
          outcome = await next()
        } catch (error) {
          const told = error instanceof BuslineError ? TokenUsage.safeParse(error.data['usage']) : undefined
          // One error may end several calls, the one inside the other; its usage is that of the first.
          if (error instanceof BuslineError && told?.success && !counted.has(error)) {
            counted.add(error)
            const cost =
              costIn(error.data) ?? priced(told.data, [textIn(error.data, 'model'), model], scope.now())
            // In the very same error, which is what callers are promised; one that is frozen stays as it is.
            Reflect.set(error.data, 'cost', cost)
            await count(totalsOfCall(told.data, cost), tenant, scope)
          }
          throw error
        }
        const answer = Answered.safeParse(outcome)
        // The bus refuses it as no answer.
        if (!answer.success) return outcome
        const { usage, model: answered } = answer.data
        const toldCost = answer.data.cost ?? null
        const cost = toldCost ?? priced(usage, [answered, model], scope.now())
        await count(totalsOfCall(usage, cost), tenant, scope)
        // Whoever prices the call again has to know which model this price was of.
        const isNamedHere = answered === null && toldCost === null && cost !== null
        return { ...answer.data, cost, model: isNamedHere ? model : answered }
      },
      { for: [CallModel] },
    )

    bus.handle(ReadUsage, async function usageMeter({ tenant }, scope) {
      if (tenant !== undefined) return (await store.get(tenant)) ?? NOTHING_USED
      if (scope.session !== undefined) return await sessions.read(scope.session, scope)
      throw new BuslineError(
        'SESSION_NOT_OPEN',
        'usage.read needs a session or a tenant: execute it on bus.session(id), or with { tenant }.',
      )
    })
  }
}

/** What any priced model has a cost of. */
const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }

function costIn({ cost }: BuslineError['data']): number | undefined {
  return typeof cost === 'number' ? cost : undefined
}

function textIn(data: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = data[name]
  return typeof value === 'string' ? value : null
}
