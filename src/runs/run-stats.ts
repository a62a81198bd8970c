import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { CallGroup, type CallStats } from './call-group.ts'
import { Groups } from './call-groups.ts'
import { callName } from './call-name.ts'
import { textAt } from './field-at.ts'
import { isFirstPiece } from './first-piece.ts'
import { answeredBy, failureMark, toldUse } from './model-use.ts'
import type { RunLine, RunLines } from './run-line.ts'
import { isTurn, TurnTable, type TurnStats } from './turn-table.ts'

/** One row: `key` is null for the whole run, and for calls of which nobody said which model or tool. */
export interface StatsRow extends CallStats {
  by: 'all' | 'model' | 'session' | 'tool' | 'type'
  key: string | null
}

/** What a run comes to. Rows have the most calls first; times are epoch milliseconds. */
export interface RunReport {
  lines: number
  /** Lines by kind: header, command, result, event, note. */
  kinds: Record<string, number>
  /** The earliest and the latest time of a line; null without lines. */
  firstTime: number | null
  lastTime: number | null
  /** Turns by how they ended, and the answers that they came to. */
  turns: TurnStats
  all: StatsRow
  models: StatsRow[]
  tools: StatsRow[]
  sessions: StatsRow[]
  types: StatsRow[]
}

/** A command that has not ended yet. */
interface Open {
  /** The run and the session: how long they took is told of turns only. */
  readonly whole: readonly CallGroup[]
  /** Its type, its model, its tool. */
  readonly own: CallGroup[]
  readonly time: number
  readonly type: string
  readonly cause: string | undefined
  readonly asked: string | null
  firstToken: number | undefined
  /** Of a failed model call inside of this one. */
  failureInside: string | undefined
}

const GROUPED = ['model', 'session', 'tool', 'type'] as const

/**
 * Adds up the lines of a run in memory that grows with the models, tools, types and sessions there are, not with the lines.
 * Whole runs can be merged: that comes to what one that took all their lines does.
 */
export class RunStats {
  readonly turns: TurnTable
  #lines = 0
  #kinds = new Map<string, number>()
  #first = Infinity
  #last = -Infinity
  #all = new CallGroup()
  #groups = { model: new Groups(), session: new Groups(), tool: new Groups(), type: new Groups() }
  #open = new Map<string, Open>()

  /** @param options.turnRows keep a row for each turn, which takes memory for each (default false) */
  constructor({ turnRows = false }: { turnRows?: boolean } = {}) {
    this.turns = new TurnTable(turnRows)
  }

  take(line: RunLine): void {
    const { kind, type, time } = line.envelope
    this.#lines++
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1)
    if (time < this.#first) this.#first = time
    if (time > this.#last) this.#last = time
    if (kind === 'command') this.#begin(line)
    else if (kind === 'result') this.#end(line)
    else if (kind === 'event' && isFirstPiece(type)) this.#hear(line.envelope)
  }

  /** Adds another run. Commands that are open in either stay so. */
  merge(other: RunStats): void {
    this.#lines += other.#lines
    for (const [kind, count] of other.#kinds) this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + count)
    this.#first = Math.min(this.#first, other.#first)
    this.#last = Math.max(this.#last, other.#last)
    this.#all.merge(other.#all)
    for (const by of GROUPED) this.#groups[by].merge(other.#groups[by])
    this.turns.merge(other.turns)
  }

  report(): RunReport {
    const rowsBy = (by: (typeof GROUPED)[number]): StatsRow[] =>
      this.#groups[by].rows().map(([key, stats]) => ({ by, key, ...stats }))
    return {
      lines: this.#lines,
      kinds: Object.fromEntries(this.#kinds),
      firstTime: this.#lines === 0 ? null : this.#first,
      lastTime: this.#lines === 0 ? null : this.#last,
      turns: this.turns.stats(),
      all: { by: 'all', key: null, ...this.#all.stats() },
      models: rowsBy('model'),
      tools: rowsBy('tool'),
      sessions: rowsBy('session'),
      types: rowsBy('type'),
    }
  }

  #begin(line: RunLine): void {
    const { id, type } = line.envelope
    const named = type === MESSAGE_TYPES.callModel || type === MESSAGE_TYPES.callTool
    const open = this.#opened(line.envelope, named ? (callName(line.record()) ?? null) : null)
    if (id !== undefined) this.#open.set(id, open)
    this.turns.begin(line)
  }

  #opened({ type, session, time, cause }: Readonly<JournalRecord>, asked: string | null): Open {
    const whole = [this.#all]
    if (session !== undefined) whole.push(this.#groups.session.of(session))
    const own = [this.#groups.type.of(type)]
    if (type === MESSAGE_TYPES.callModel) own.push(this.#groups.model.of(asked))
    if (type === MESSAGE_TYPES.callTool) own.push(this.#groups.tool.of(asked))
    for (const group of [...whole, ...own]) group.begin(type === MESSAGE_TYPES.callModel)
    return { whole, own, time, type, cause, asked, firstToken: undefined, failureInside: undefined }
  }

  /** A stream batch's time is that of its first delta. */
  #hear({ cause = '', time }: Readonly<JournalRecord>): void {
    const call = this.#open.get(cause)
    if (call && (call.firstToken === undefined || time < call.firstToken)) call.firstToken = time
  }

  /** The result of a command whose line is not here (pruned) counts as both. */
  #end(line: RunLine): void {
    const { of = '', type, status = 'error', ms } = line.envelope
    const open = this.#open.get(of) ?? this.#opened(line.envelope, null)
    this.#open.delete(of)

    const failed = status !== 'ok'
    const record = failed || type === MESSAGE_TYPES.callModel ? line.record() : line.envelope
    const code = failed ? textAt(record, 'error', 'code') : undefined
    if (type === MESSAGE_TYPES.callModel) this.#answered(open, record)
    for (const group of open.whole) group.end(status, isTurn(type) ? ms : undefined, code)
    for (const group of open.own) group.end(status, ms, code)
    this.turns.end(line, code)
  }

  #answered(open: Open, record: Readonly<JournalRecord>): void {
    const answered = open.asked === null ? answeredBy(record) : undefined
    if (answered !== undefined) this.#move(open, answered)
    const { time, firstToken, failureInside, cause = '' } = open
    const mark = failureMark(record)
    const around = this.#open.get(cause)
    if (mark !== undefined && around?.type === MESSAGE_TYPES.callModel) around.failureInside = mark
    const told = mark !== undefined && mark === failureInside ? undefined : toldUse(record)
    const firstTokenMs = firstToken === undefined ? undefined : Math.max(0, firstToken - time)
    for (const group of [...open.whole, ...open.own]) group.spend({ told, ms: record.ms, firstTokenMs })
    this.turns.spend(record, told)
  }

  /** A call that left the choice of the model open counts for the one that answered. */
  #move(open: Open, answered: string): void {
    const before = this.#groups.model.of(null)
    const now = this.#groups.model.of(answered)
    before.leave()
    now.begin(true)
    open.own.splice(open.own.indexOf(before), 1, now)
  }
}

/**
 * Adds up the lines of a run, or of several one after the other. Only the heavy fields of model and tool calls, and of what
 * failed, are read.
 */
export async function runStats(batches: RunLines): Promise<RunReport> {
  const stats = new RunStats()
  for await (const batch of batches) for (const line of batch) stats.take(line)
  return stats.report()
}
