import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { TokenUsage, type TurnUsage } from '../messages/conversation.ts'
import { addCosts, addUsage } from '../messages/usage-sum.ts'

const Cost = z.number().nullable()

/** What one or several model calls took. `cost` is in US dollars; null when a price is not known, undefined when nobody priced. */
export interface Spent {
  usage: TurnUsage | null
  cost: number | null | undefined
}

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

  /** Adds a call that failed, as far as its error tells what it took (`data.usage`, `data.cost`). */
  addFailed(error: unknown): void {
    const told = error instanceof BuslineError ? TokenUsage.safeParse(error.data['usage']) : undefined
    if (told?.success)
      this.add(told.data, Cost.safeParse(error instanceof BuslineError && error.data['cost']).data)
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
  const usage = a.usage && b.usage ? addUsage(a.usage, b.usage) : (a.usage ?? b.usage)
  return { usage, cost: sumCost(a.cost, b.cost) }
}

/** One unknown price makes the whole unknown; what nobody priced adds nothing. */
function sumCost(a: number | null | undefined, b: number | null | undefined): number | null | undefined {
  if (a === undefined || b === undefined) return a === undefined ? b : a
  return a === null || b === null ? null : addCosts(a, b)
}
