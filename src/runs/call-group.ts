import { addCosts } from '../messages/usage-sum.ts'
import { addTokens, NO_TOKENS, type ModelUse, type TokenSums } from './model-use.ts'
import { Quantiles, type Summary } from './quantiles.ts'

/** What a group of commands comes to. Milliseconds, US dollars. */
export interface CallStats {
  calls: number
  ok: number
  error: number
  cancelled: number
  timeout: number
  interrupted: number
  /** How many ended with which error code, the most frequent first. */
  errors: Record<string, number>
  /** How long they took; of a session and of the whole run: how long turns took. Null without any. */
  ms: Summary | null
  /** How many of them are model calls; what follows is about these. Each attempt at an answer is one. */
  modelCalls: number
  tokens: TokenSums
  /** Answers without a usage. */
  usageUnknown: number
  cost: number
  /** Answers, and failures that told a usage, whose cost nobody told: `cost` leaves them out. */
  costUnknown: number
  /** From a streamed call's command to the first piece of its answer. Null without any. */
  firstTokenMs: Summary | null
  /** Output tokens in a second of the calls that told them, waiting included. Null without any. */
  tokensPerSecond: number | null
}

const STATUSES: readonly string[] = ['ok', 'error', 'cancelled', 'timeout']

/** Adds up commands that have something in common. */
export class CallGroup {
  #calls = 0
  #ended = new Map<string, number>()
  #errors = new Map<string, number>()
  #ms: Quantiles | undefined
  #firstToken: Quantiles | undefined
  #modelCalls = 0
  #tokens: TokenSums = { ...NO_TOKENS }
  #usageUnknown = 0
  #cost = 0
  #costUnknown = 0
  #spoken = { tokens: 0, ms: 0 }

  begin(isModelCall: boolean): void {
    this.#calls++
    if (isModelCall) this.#modelCalls++
  }

  /** Takes back a model call that began here: it turned out to belong to another group. */
  leave(): void {
    this.#calls--
    this.#modelCalls--
  }

  /** A command of the group ended. `ms` is left out where its duration is not one of the group's. */
  end(status: string, ms: number | undefined, code: string | undefined): void {
    increase(this.#ended, STATUSES.includes(status) ? status : 'error', 1)
    if (code !== undefined) increase(this.#errors, code, 1)
    if (ms !== undefined) (this.#ms ??= new Quantiles()).add(ms)
  }

  /** What an ended model call of the group took. */
  spend({ told, ms, firstTokenMs }: ModelUse): void {
    if (firstTokenMs !== undefined) (this.#firstToken ??= new Quantiles()).add(firstTokenMs)
    if (!told) return
    const { usage, cost } = told
    if (cost === undefined) this.#costUnknown++
    else this.#cost = addCosts(this.#cost, cost)
    if (usage) addTokens(this.#tokens, usage)
    else this.#usageUnknown++
    if (usage && ms !== undefined) {
      this.#spoken.tokens += usage.output
      this.#spoken.ms += ms
    }
  }

  merge(other: CallGroup): void {
    this.#calls += other.#calls
    for (const [status, count] of other.#ended) increase(this.#ended, status, count)
    for (const [code, count] of other.#errors) increase(this.#errors, code, count)
    if (other.#ms) (this.#ms ??= new Quantiles()).merge(other.#ms)
    if (other.#firstToken) (this.#firstToken ??= new Quantiles()).merge(other.#firstToken)
    this.#modelCalls += other.#modelCalls
    addTokens(this.#tokens, other.#tokens)
    this.#usageUnknown += other.#usageUnknown
    this.#cost = addCosts(this.#cost, other.#cost)
    this.#costUnknown += other.#costUnknown
    this.#spoken.tokens += other.#spoken.tokens
    this.#spoken.ms += other.#spoken.ms
  }

  get isEmpty(): boolean {
    return this.#calls === 0
  }

  stats(): CallStats {
    const [ok = 0, error = 0, cancelled = 0, timeout = 0] = STATUSES.map((status) => this.#ended.get(status))
    const { tokens, ms } = this.#spoken
    return {
      calls: this.#calls,
      ok,
      error,
      cancelled,
      timeout,
      interrupted: this.#calls - ok - error - cancelled - timeout,
      errors: Object.fromEntries([...this.#errors].toSorted(mostFirst)),
      ms: this.#ms?.summary() ?? null,
      modelCalls: this.#modelCalls,
      tokens: { ...this.#tokens },
      usageUnknown: this.#usageUnknown,
      cost: this.#cost,
      costUnknown: this.#costUnknown,
      firstTokenMs: this.#firstToken?.summary() ?? null,
      tokensPerSecond: ms > 0 ? (tokens / ms) * 1000 : null,
    }
  }
}

function increase(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function mostFirst([a, m]: readonly [string, number], [b, n]: readonly [string, number]): number {
  return n - m || (a < b ? -1 : 1)
}
