import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { addCosts } from '../messages/usage-sum.ts'
import { addTokens, NO_TOKENS, type ToldUse } from './model-use.ts'
import type { RunLine } from './run-line.ts'
import { TurnRows, type TurnRow } from './turn-rows.ts'

export type { TurnRow } from './turn-rows.ts'

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

/** Whether a command of this type runs a turn. */
export function isTurn(type: string): boolean {
  return type === MESSAGE_TYPES.runTurn || type === MESSAGE_TYPES.continueTurn
}

/** A turn that has not ended, and its place among the rows. */
interface OpenTurn {
  readonly row: TurnRow
  readonly place: number
}

/** A turn that did not end well, which may go on. */
interface BrokenTurn {
  readonly place: number
  readonly end: ReturnType<typeof endOf>
}

/** Counts turns, and keeps a row for each when asked to. */
export class TurnTable {
  #counts: TurnStats = { count: 0, ok: 0, error: 0, cancelled: 0, timeout: 0, interrupted: 0, steps: 0 }
  /** By the command that runs it. */
  #running = new Map<string, OpenTurn>()
  /** By the turn's id, which is another where a turn goes on. */
  #byTurn = new Map<string, OpenTurn>()
  #broken = new Map<string, BrokenTurn>()
  #rows: TurnRows | undefined

  constructor(keep: boolean) {
    this.#rows = keep ? new TurnRows() : undefined
  }

  /** In the order in which they began; none unless rows are kept. */
  get rows(): Iterable<TurnRow> {
    for (const { row, place } of this.#running.values()) this.#rows?.put(place, row)
    return this.#rows ?? []
  }

  begin({ line, envelope }: RunLine): void {
    const { type, id, turn, session, time } = envelope
    const around = this.#byTurn.get(turn ?? '')?.row
    if (around && type === MESSAGE_TYPES.callModel) around.modelCalls++
    if (around && type === MESSAGE_TYPES.callTool) around.toolCalls++
    if (!isTurn(type) || id === undefined) return
    const row = newRow({ key: turn ?? id, session: session ?? null, line, startedAt: time })
    if (type === MESSAGE_TYPES.continueTurn && this.#goesOn(id, row)) return
    this.#counts.count++
    this.#open(id, { row, place: this.#rows?.add(row) ?? 0 })
  }

  #open(id: string, turn: OpenTurn): void {
    this.#running.set(id, turn)
    this.#byTurn.set(turn.row.key, turn)
  }

  /** Whether a turn of this run goes on with a command, and not one of an earlier journal. */
  #goesOn(id: string, row: TurnRow): boolean {
    const { key } = row
    const open = this.#byTurn.get(key)
    const broken = this.#broken.get(key)
    if (open) this.#open(id, open)
    else if (broken) {
      this.#broken.delete(key)
      this.#counts[broken.end]--
      const { place } = broken
      const before = this.#rows?.at(place) ?? row
      this.#open(id, { place, row: { ...before, ms: null, status: 'interrupted', error: null } })
    }
    return open !== undefined || broken !== undefined
  }

  end({ envelope }: RunLine, code: string | undefined): void {
    const { type, of = '', cause = '', status = 'error', ms } = envelope
    const asking = type === MESSAGE_TYPES.callModel && status === 'ok' ? this.#running.get(cause) : undefined
    if (asking) {
      asking.row.steps++
      this.#counts.steps++
    }
    const turn = this.#running.get(of)
    if (!turn) return
    const { row, place } = turn
    this.#running.delete(of)
    if (this.#byTurn.get(row.key) === turn) this.#byTurn.delete(row.key)
    Object.assign(row, { ms: ms ?? null, status, error: code ?? null })
    this.#rows?.put(place, row)
    const end = endOf(status)
    this.#counts[end]++
    if (end !== 'ok') this.#broken.set(row.key, { place, end })
  }

  /** What a model call took, for its turn. */
  spend({ turn = '' }: Readonly<JournalRecord>, told: ToldUse | undefined): void {
    const row = this.#byTurn.get(turn)?.row
    if (!row || !told) return
    if (told.usage) addTokens(row.tokens, told.usage)
    else row.usageUnknown++
    if (told.cost === undefined) row.costUnknown++
    else row.cost = addCosts(row.cost, told.cost)
  }

  merge(other: TurnTable): void {
    for (const name of ['count', 'ok', 'error', 'cancelled', 'timeout', 'steps'] as const)
      this.#counts[name] += other.#counts[name]
    for (const row of other.rows) this.#rows?.add(row)
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
