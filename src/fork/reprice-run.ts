import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { TokenUsage } from '../messages/conversation.ts'
import { CallModel } from '../messages/model.ts'
import { addCosts } from '../messages/usage-sum.ts'
import { costOf } from '../usage/cost-of.ts'
import { checkPrices, type PriceTable } from '../usage/price-table.ts'

export interface RepriceOptions {
  /** The prices that held then, epoch milliseconds (default: at the time of each call). */
  at?: number | undefined
}

/** One model call; costs are US dollars, null when nobody knows. */
export interface RepricedCall {
  id: string
  /** Counted from 1; of its result. */
  line: number
  session: string | null
  turn: string | null
  model: string | null
  usage: TokenUsage | null
  oldCost: number | null
  newCost: number | null
}

/** What several calls cost; `oldUnknown` and `newUnknown` count those that the sums leave out. */
export interface RepricedTotal {
  calls: number
  oldCost: number
  newCost: number
  oldUnknown: number
  newUnknown: number
}

export interface RepricedRun {
  calls: RepricedCall[]
  /** By the model that answered, in the order of their first calls. */
  models: ({ model: string | null } & RepricedTotal)[]
  /** Calls outside of a turn stand under null. */
  turns: ({ turn: string | null } & RepricedTotal)[]
  total: RepricedTotal
}

const Asked = z.looseObject({ model: z.string().nullable() })
const Told = z.looseObject({
  usage: TokenUsage.nullable(),
  model: z.string().nullable().optional(),
  cost: z.number().nullable().optional(),
})

/**
 * Prices the model calls of a run again. Counts as the usage meter does: each `model.call` once, by itself (attempts, repairs,
 * summaries, calls that tools make), a failed one where its error tells a usage. The model is that which the server named, else
 * the one asked for. The old cost is what was recorded. Holds some two hundred bytes a call.
 *
 * @throws BuslineError `INVALID_OPTION` for a table that is none
 */
export async function repriceRun(
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  prices: PriceTable,
  { at }: RepriceOptions = {},
): Promise<RepricedRun> {
  checkPrices(prices)
  const calls: RepricedCall[] = []
  /** The models that open calls ask for, by their ids. */
  const asked = new Map<string, string | null>()
  const failures = new CountedFailures()
  for await (const { seq, kind, type, id, of, session, turn, time, status, ...heavy } of records) {
    if (type !== CallModel.type) continue
    if (kind === 'command' && id !== undefined) asked.set(id, Asked.safeParse(heavy.data).data?.model ?? null)
    if (kind !== 'result' || of === undefined) continue
    const wanted = asked.get(of) ?? null
    asked.delete(of)
    const told = Told.safeParse(status === 'ok' ? heavy.output : heavy.error?.data).data
    if (!told || (status !== 'ok' && (!told.usage || failures.has(of, told.usage)))) continue
    const { usage, cost: oldCost = null } = told
    const names = [told.model ?? null, wanted]
    calls.push({
      id: of,
      line: seq + 1,
      session: session ?? null,
      turn: turn ?? null,
      model: names.find((name) => name !== null) ?? null,
      usage,
      oldCost,
      newCost: priced(usage, names, prices, at ?? time),
    })
  }
  return {
    calls,
    models: totals(calls, ({ model }) => model).map(([model, total]) => ({ model, ...total })),
    turns: totals(calls, ({ turn }) => turn).map(([turn, total]) => ({ turn, ...total })),
    total: calls.reduce(plus, NOTHING),
  }
}

function priced(
  usage: TokenUsage | null,
  names: readonly (string | null)[],
  prices: PriceTable,
  at: number,
): number | null {
  for (const name of names) {
    const cost = costOf(usage, name, prices, at)
    if (cost !== null) return cost
  }
  return null
}

/** One error may end several calls, the one inside the other: its usage is that of the innermost. */
class CountedFailures {
  /** Usages of failed calls, by the ids of all calls above them. */
  readonly #above = new Map<string, Set<string>>()

  /** Whether a call below failed with this usage; else it is remembered for those above. */
  has(id: string, usage: TokenUsage): boolean {
    const key = JSON.stringify(usage)
    const known = this.#above.get(id)
    this.#above.delete(id)
    if (known?.has(key)) return true
    for (let dot = id.lastIndexOf('.'); dot > 0; dot = id.lastIndexOf('.', dot - 1)) {
      const above = id.slice(0, dot)
      this.#above.set(above, (this.#above.get(above) ?? new Set()).add(key))
    }
    return false
  }
}

const NOTHING: RepricedTotal = { calls: 0, oldCost: 0, newCost: 0, oldUnknown: 0, newUnknown: 0 }

function plus(total: RepricedTotal, { oldCost, newCost }: RepricedCall): RepricedTotal {
  return {
    calls: total.calls + 1,
    oldCost: addCosts(total.oldCost, oldCost ?? 0),
    newCost: addCosts(total.newCost, newCost ?? 0),
    oldUnknown: total.oldUnknown + (oldCost === null ? 1 : 0),
    newUnknown: total.newUnknown + (newCost === null ? 1 : 0),
  }
}

function totals(
  calls: readonly RepricedCall[],
  keyOf: (call: RepricedCall) => string | null,
): [string | null, RepricedTotal][] {
  const sums = new Map<string | null, RepricedTotal>()
  for (const call of calls) {
    const key = keyOf(call)
    sums.set(key, plus(sums.get(key) ?? NOTHING, call))
  }
  return [...sums]
}
