import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { ContinueTurn } from '../messages/chat.ts'
import { CallModel } from '../messages/model.ts'
import { CallTool } from '../messages/tool.ts'

/** What calls took. A difference of two of them is one too. */
export interface Figures {
  readonly calls: number
  /** Of these, how many did not end well. */
  readonly failed: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars, of the calls whose price is known. */
  readonly cost: number
  /** Model calls whose price is not known. */
  readonly unpriced: number
  /** Milliseconds, summed. */
  readonly ms: number
}

export const NO_FIGURES: Figures = {
  calls: 0,
  failed: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0,
  unpriced: 0,
  ms: 0,
}

const Asked = z.looseObject({ model: z.string() })
const Named = z.looseObject({ name: z.string() })
const Answered = z.looseObject({
  model: z.string().nullish().catch(null),
  cost: z.number().nullish().catch(null),
  usage: z.looseObject({ inputTokens: z.number(), outputTokens: z.number() }).nullish().catch(null),
})

/** Sums what the model calls, tools and turns of a run took. */
export class RunFigures {
  /** By the name of the model that answered, or else of the one that was asked. */
  readonly models = new Map<string, Figures>()
  readonly tools = new Map<string, Figures>()
  /** By the turn's id: its model calls, and the turn's own duration. */
  readonly turns = new Map<string, Figures>()
  #open = new Map<string, string>()
  /** What failed calls said they used, by the calls around them: the same error may end these too. */
  #toldInside = new Map<string, string>()

  take(record: JournalRecord): void {
    const { kind, type, id, turn } = record
    const isTurn = turn !== undefined && ((id ?? record.of) === turn || type === ContinueTurn.type)
    if (kind === 'command' && id !== undefined) {
      if (isTurn && !this.turns.has(turn)) this.turns.set(turn, NO_FIGURES)
      if (type === CallModel.type) this.#open.set(id, Asked.safeParse(record.data).data?.model ?? '(default)')
      if (type === CallTool.type) this.#open.set(id, Named.safeParse(record.data).data?.name ?? '(no name)')
    }
    if (kind !== 'result') return
    if (isTurn) add(this.turns, turn, { ...NO_FIGURES, ms: record.ms ?? 0 })
    const name = this.#open.get(record.of ?? '')
    if (name !== undefined) this.#end(record, name)
    this.#open.delete(record.of ?? '')
  }

  /** Of all model calls; `ms` is that of all turns, or of the calls in a run without turns. */
  total(): Figures {
    const calls = sum(this.models.values())
    return this.turns.size === 0 ? calls : { ...calls, ms: sum(this.turns.values()).ms }
  }

  #end(record: JournalRecord, asked: string): void {
    const { type, turn, status, ms = 0 } = record
    const failed = status === 'ok' ? 0 : 1
    if (type === CallTool.type) return add(this.tools, asked, { ...NO_FIGURES, calls: 1, failed, ms })
    const { model, cost, usage } = this.#toldBy(record) ?? {}
    const figures = {
      calls: 1,
      failed,
      inputTokens: usage?.inputTokens ?? 0,
      outputTokens: usage?.outputTokens ?? 0,
      cost: cost ?? 0,
      unpriced: typeof cost === 'number' || (failed === 1 && !usage) ? 0 : 1,
      ms,
    }
    add(this.models, model ?? asked, figures)
    if (turn !== undefined && this.turns.has(turn)) add(this.turns, turn, { ...figures, ms: 0 })
  }

  /** What an answer took, or a failure that tells a usage: once, should it have ended the call around it as well. */
  #toldBy({
    of = '',
    cause = '',
    status,
    output,
    error,
  }: JournalRecord): z.output<typeof Answered> | undefined {
    if (status === 'ok') return Answered.safeParse(output).data
    const told = Answered.safeParse(error?.data).data
    const inside = this.#toldInside.get(of)
    this.#toldInside.delete(of)
    if (!told?.usage) return undefined
    const mark = JSON.stringify([error?.code, error?.message, told.usage])
    if (this.#open.has(cause)) this.#toldInside.set(cause, mark)
    return mark === inside ? undefined : told
  }
}

/** What `b` took more than `a`. */
export function moreThan(a: Figures, b: Figures): Figures {
  return combined(a, b, -1)
}

function add(to: Map<string, Figures>, name: string, figures: Figures): void {
  to.set(name, combined(figures, to.get(name) ?? NO_FIGURES, 1))
}

function sum(all: Iterable<Figures>): Figures {
  let total = NO_FIGURES
  for (const figures of all) total = combined(figures, total, 1)
  return total
}

/** `b` and so many times `a`. */
function combined(a: Figures, b: Figures, times: number): Figures {
  return {
    calls: b.calls + times * a.calls,
    failed: b.failed + times * a.failed,
    inputTokens: b.inputTokens + times * a.inputTokens,
    outputTokens: b.outputTokens + times * a.outputTokens,
    cost: rounded(b.cost + times * a.cost),
    unpriced: b.unpriced + times * a.unpriced,
    ms: rounded(b.ms + times * a.ms),
  }
}

/** To 1e-12, as costs are summed everywhere, so that nothing drifts. */
function rounded(value: number): number {
  return Math.round(value * 1e12) / 1e12
}
