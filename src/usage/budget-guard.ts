import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { BudgetExceeded, type UsageTotals } from '../messages/usage.ts'
import { budgetExceeded, checkBudget, excessOf, priceUnknown, type Budget, type Owner } from './budgets.ts'

export interface BudgetOptions {
  /** Of each session. */
  session?: Budget
  /** Of each tenant: the same for all, or what a function says of one (undefined: no limit). */
  tenant?: Budget | ((tenant: string) => Budget | undefined)
}

/** Refuses what goes beyond the budgets. */
export interface BudgetGuard {
  readonly session: Budget | undefined
  hasBudget(tenant: string): boolean
  /** Throws `BUDGET_EXCEEDED`, and publishes `usage.budgetExceeded` the first time. */
  check(owner: Owner, used: UsageTotals, scope: Scope): void
  /** Throws `PRICE_UNKNOWN` where a budget of cost holds and there is no price. */
  checkPrice(call: {
    session: string | undefined
    tenant: string | undefined
    model: string | null
    known: boolean
  }): void
}

/** Of so many excesses it is remembered that they were told; then the first is forgotten, and would be told again. */
const MOST_TOLD = 10_000

/** @throws BuslineError `INVALID_OPTION` for a budget that is none */
export function guardBudgets({ session, tenant }: BudgetOptions): BudgetGuard {
  if (session !== undefined) checkBudget('budgets.session', session)
  if (tenant !== undefined && typeof tenant !== 'function') checkBudget('budgets.tenant', tenant)
  const told = new Set<string>()
  const ofTenant = (id: string): Budget | undefined => {
    if (typeof tenant !== 'function') return tenant
    const budget = tenant(id)
    return budget && checkBudget(`budgets.tenant(${JSON.stringify(id)})`, budget)
  }
  const budgetOf = ({ scope, id }: Owner): Budget | undefined =>
    scope === 'session' ? session : ofTenant(id)

  return {
    session,
    hasBudget: (id) => ofTenant(id) !== undefined,
    check(owner, used, scope) {
      const excess = excessOf(owner, budgetOf(owner) ?? {}, used)
      if (!excess) return
      const key = JSON.stringify([excess.scope, excess.id, excess.limit, excess.max])
      if (!told.has(key)) {
        told.add(key)
        const [oldest] = told
        if (told.size > MOST_TOLD && oldest !== undefined) told.delete(oldest)
        tell(scope, excess)
      }
      throw budgetExceeded(excess)
    },
    checkPrice({ session: id, tenant: who, model, known }) {
      if (known) return
      if (id !== undefined && session?.maxCost !== undefined)
        throw priceUnknown(model, { scope: 'session', id })
      if (who !== undefined && ofTenant(who)?.maxCost !== undefined)
        throw priceUnknown(model, { scope: 'tenant', id: who })
    },
  }
}

/** A report that the bus refuses, because it stops, must not hide that the budget is used up. */
function tell(scope: Scope, excess: NonNullable<ReturnType<typeof excessOf>>): void {
  try {
    scope.publish(BudgetExceeded, excess)
  } catch (error) {
    if (!(error instanceof BuslineError)) throw error
  }
}
