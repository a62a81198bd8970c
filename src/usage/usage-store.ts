import type { UsageTotals } from '../messages/usage.ts'
import { addTotals } from './usage-totals.ts'

/** Where the totals of tenants are kept. One that several processes share makes their budgets one. */
export interface UsageStore {
  /** What a tenant has used; undefined for one that has used nothing. */
  get(tenant: string): UsageTotals | undefined | Promise<UsageTotals | undefined>
  /** Adds to it, in one piece. */
  add(tenant: string, used: UsageTotals): void | Promise<void>
}

/** Totals in this process, which forgets them when it ends. They are never dropped, or a budget would begin again. */
export function memoryUsage(): UsageStore {
  const totals = new Map<string, UsageTotals>()
  return {
    get: (tenant) => totals.get(tenant),
    add(tenant, used) {
      const before = totals.get(tenant)
      totals.set(tenant, before ? addTotals(before, used) : used)
    },
  }
}
