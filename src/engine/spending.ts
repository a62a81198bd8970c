import { BuslineError } from '../messages/busline-error.ts'
import { TokenUsage, type TurnUsage } from '../messages/conversation.ts'

/** What one or several model calls took. `cost` is in US dollars; null when a price is not known, undefined when nobody priced. */
export interface Spent {
  usage: TurnUsage | null
  cost: number | null | undefined
}

const PARTS = [
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'audioInputTokens',
  'audioOutputTokens',
] as const

/** Sums what the model calls of a turn take, each once; and what each step took, for the message that it ends with. */
export class Spending {
  #all: Spent = { usage: null, cost: undefined }
  #step: Spent = { usage: null, cost: undefined }

  get usage(): TurnUsage | null {
    return this.#all.usage
  }

  get cost(): number | null | undefined {
    return this.#all.cost
  }

  /** Adds one call. A usage of null stays unknown until another call tells one. */
  add(usage: TokenUsage | null, cost: number | null | undefined): void {
    this.#addSpent({ usage: usage && { ...usage, calls: 1 }, cost })
  }

  /** Adds a call that failed, as far as its error tells what it took: a price for that nobody knows. */
  addFailed(error: unknown): void {
    const told = error instanceof BuslineError ? TokenUsage.safeParse(error.data['usage']) : undefined
    if (told?.success) this.add(told.data, this.#all.cost === undefined ? undefined : null)
  }

  /** Adds what a step took before a crash, as its message tells. */
  addBefore(spent: { usage?: TurnUsage | undefined; cost?: number | null | undefined }): void {
    this.#all = sum(this.#all, { usage: spent.usage ?? null, cost: spent.cost })
  }

  /** What was added since this was last asked. */
  takeStep(): { usage?: TurnUsage; cost?: number | null } {
    const { usage, cost } = this.#step
    this.#step = { usage: null, cost: undefined }
    return { ...(usage && { usage }), ...(cost !== undefined && { cost }) }
  }

  #addSpent(spent: Spent): void {
    this.#all = sum(this.#all, spent)
    this.#step = sum(this.#step, spent)
  }
}

function sum(a: Spent, b: Spent): Spent {
  return { usage: sumUsage(a.usage, b.usage), cost: sumCost(a.cost, b.cost) }
}

/** One unknown price makes the whole unknown; what nobody priced adds nothing. */
function sumCost(a: number | null | undefined, b: number | null | undefined): number | null | undefined {
  if (a === undefined || b === undefined) return a === undefined ? b : a
  return a === null || b === null ? null : a + b
}

function sumUsage(a: TurnUsage | null, b: TurnUsage | null): TurnUsage | null {
  if (!a || !b) return a ?? b
  const total: TurnUsage = {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    calls: a.calls + b.calls,
  }
  for (const part of PARTS) {
    if (a[part] !== undefined || b[part] !== undefined) total[part] = (a[part] ?? 0) + (b[part] ?? 0)
  }
  return total
}
