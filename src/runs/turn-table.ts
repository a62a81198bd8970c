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
  /** Turns that did not end well, which may go on. */
  #broken = new Map<string, TurnRow>()
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
    if (type === MESSAGE_TYPES.continueTurn && this.#goesOn(id, turn)) return
    const row = newRow({ key: turn ?? id, session: session ?? null, line, startedAt: time })
    this.#counts.count++
    this.#running.set(id, row)
    this.#byTurn.set(row.key, row)
    if (this.#keep) this.#rows.push(row)
  }

  /** Whether a turn of this run goes on with a command, and not one of an earlier journal. */
  #goesOn(id: string, turn = ''): boolean {
    const row = this.#byTurn.get(turn) ?? this.#broken.get(turn)
    if (!row) return false
    if (this.#broken.delete(turn)) this.#counts[endOf(row.status)]--
    Object.assign(row, { ms: null, status: 'interrupted', error: null })
    this.#running.set(id, row)
    this.#byTurn.set(turn, row)
    return true
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
    this.#counts[endOf(status)]++
    if (status !== 'ok') this.#broken.set(row.key, row)
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

function endOf(status: string): 'cancelled' | 'error' | 'ok' | 'timeout' {
  return status === 'ok' || status === 'cancelled' || status === 'timeout' ? status : 'error'
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
