import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { addCosts } from '../messages/usage-sum.ts'
import { addTokens, NO_TOKENS, type TokenSums, type ToldUse } from './model-use.ts'
import type { RunLine } from './run-line.ts'

/** Turns by how they ended; `steps` counts the answers that they came to. */
export interface TurnStats {
  count: number
  ok: number
  error: number
  cancelled: number
  timeout: number
  interrupted: number
  steps: number
}

/** One turn, or the part of it that went on after a crash. Milliseconds, US dollars. */
export interface TurnRow {
  by: 'turn'
  /** The turn's id. */
  key: string
  session: string | null
  /** Where it begins. */
  line: number
  /** Epoch milliseconds. */
  startedAt: number
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

/** Whether a command of this type runs a turn. */
export function isTurn(type: string): boolean {
  return type === MESSAGE_TYPES.runTurn || type === MESSAGE_TYPES.continueTurn
}

/** Counts turns, and keeps a row for each when asked to. */
export class TurnTable {
  #counts: TurnStats = { count: 0, ok: 0, error: 0, cancelled: 0, timeout: 0, interrupted: 0, steps: 0 }
  /** By the command that runs it. */
  #running = new Map<string, TurnRow>()
  /** By the turn's id, which is another where a turn goes on. */
  #byTurn = new Map<string, TurnRow>()
  #rows: TurnRow[] = []
  #keep: boolean

  constructor(keep: boolean) {
    this.#keep = keep
  }

  /** In the order in which they began; none unless rows are kept. */
  get rows(): readonly TurnRow[] {
    return this.#rows
  }

  begin({ line, envelope }: RunLine): void {
    const { type, id, turn, session, time } = envelope
    const around = this.#byTurn.get(turn ?? '')
    if (around && type === MESSAGE_TYPES.callModel) around.modelCalls++
    if (around && type === MESSAGE_TYPES.callTool) around.toolCalls++
    if (!isTurn(type) || id === undefined) return
    const row = newRow({ key: turn ?? id, session: session ?? null, line, startedAt: time })
    this.#counts.count++
    this.#running.set(id, row)
    this.#byTurn.set(row.key, row)
    if (this.#keep) this.#rows.push(row)
  }

  end({ envelope }: RunLine, code: string | undefined): void {
    const { type, of = '', cause = '', status = 'error', ms } = envelope
    const asking = type === MESSAGE_TYPES.callModel && status === 'ok' ? this.#running.get(cause) : undefined
    if (asking) {
      asking.steps++
      this.#counts.steps++
    }
    const row = this.#running.get(of)
    if (!row) return
    this.#running.delete(of)
    if (this.#byTurn.get(row.key) === row) this.#byTurn.delete(row.key)
    Object.assign(row, { ms: ms ?? null, status, error: code ?? null })
    if (status === 'ok' || status === 'cancelled' || status === 'timeout') this.#counts[status]++
    else this.#counts.error++
  }

  /** What a model call took, for its turn. */
  spend({ turn = '' }: Readonly<JournalRecord>, told: ToldUse | undefined): void {
    const row = this.#byTurn.get(turn)
    if (!row || !told) return
    if (told.usage) addTokens(row.tokens, told.usage)
    else row.usageUnknown++
    if (told.cost === undefined) row.costUnknown++
    else row.cost = addCosts(row.cost, told.cost)
  }

  merge(other: TurnTable): void {
    for (const name of ['count', 'ok', 'error', 'cancelled', 'timeout', 'steps'] as const)
      this.#counts[name] += other.#counts[name]
    for (const row of other.#rows) this.#rows.push(row)
  }

  stats(): TurnStats {
    const { count, ok, error, cancelled, timeout, steps } = this.#counts
    return {
      count,
      ok,
      error,
      cancelled,
      timeout,
      interrupted: count - ok - error - cancelled - timeout,
      steps,
    }
  }
}

function newRow(about: Pick<TurnRow, 'key' | 'line' | 'session' | 'startedAt'>): TurnRow {
  return {
    by: 'turn',
    ...about,
    ms: null,
    status: 'interrupted',
    error: null,
    steps: 0,
    modelCalls: 0,
    toolCalls: 0,
    tokens: { ...NO_TOKENS },
    usageUnknown: 0,
    cost: 0,
    costUnknown: 0,
  }
}
