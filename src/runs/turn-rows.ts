import type { TokenSums } from './model-use.ts'

/** One turn; one that went on after a crash is one, too. Milliseconds, US dollars. */
export interface TurnRow {
  by: 'turn'
  /** The turn's id. */
  key: string
  session: string | null
  /** Where it begins. */
  line: number
  /** Epoch milliseconds. */
  startedAt: number
  /** Of a turn that went on: of the part that ended. */
  ms: number | null
  status: string
  error: string | null
  steps: number
  modelCalls: number
  toolCalls: number
  tokens: TokenSums
  usageUnknown: number
  cost: number
  costUnknown: number
}

/** How many numbers a row has; how many rows stand in one block. */
const NUMBERS = 13
const BLOCK = 1024

/** Rows of turns by their places, from 0, packed: some two hundred bytes each, where objects take three times as much. */
export class TurnRows implements Iterable<TurnRow> {
  #count = 0
  #numbers: Float64Array[] = []
  #keys: string[] = []
  #sessions: (string | null)[] = []
  #statuses: string[] = []
  #errors: (string | null)[] = []
  /** Sessions, statuses and codes are few: each is kept once. */
  #texts = new Map<string, string>()

  /** A place behind all others. */
  add(row: TurnRow): number {
    const place = this.#count++
    if (place % BLOCK === 0) this.#numbers.push(new Float64Array(BLOCK * NUMBERS))
    this.put(place, row)
    return place
  }

  put(place: number, row: TurnRow): void {
    const { key, session, status, error, line, startedAt, ms, steps, modelCalls, toolCalls, tokens } = row
    const { input, output, cached, reasoning } = tokens
    this.#keys[place] = key
    this.#sessions[place] = this.#once(session)
    this.#statuses[place] = this.#once(status) ?? status
    this.#errors[place] = this.#once(error)
    const numbers = [
      line,
      startedAt,
      ms ?? NaN,
      steps,
      modelCalls,
      toolCalls,
      input,
      output,
      cached,
      reasoning,
    ]
    const paid = [row.usageUnknown, row.cost, row.costUnknown]
    this.#block(place).set([...numbers, ...paid], (place % BLOCK) * NUMBERS)
  }

  at(place: number): TurnRow {
    const from = (place % BLOCK) * NUMBERS
    const [line = 0, startedAt = 0, ms = NaN, steps = 0, modelCalls = 0, toolCalls = 0, ...others] =
      this.#block(place).subarray(from, from + NUMBERS)
    const [input = 0, output = 0, cached = 0, reasoning = 0, usageUnknown = 0, cost = 0, costUnknown = 0] =
      others
    return {
      by: 'turn',
      key: this.#keys[place] ?? '',
      session: this.#sessions[place] ?? null,
      line,
      startedAt,
      ms: Number.isNaN(ms) ? null : ms,
      status: this.#statuses[place] ?? '',
      error: this.#errors[place] ?? null,
      steps,
      modelCalls,
      toolCalls,
      tokens: { input, output, cached, reasoning },
      usageUnknown,
      cost,
      costUnknown,
    }
  }

  *[Symbol.iterator](): Generator<TurnRow> {
    for (let place = 0; place < this.#count; place++) yield this.at(place)
  }

  #block(place: number): Float64Array {
    return this.#numbers[Math.floor(place / BLOCK)] ?? new Float64Array(BLOCK * NUMBERS)
  }

  #once(text: string | null): string | null {
    if (text === null) return null
    const known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, text)
    return known ?? text
  }
}
