// Longer than 200 lines: how one turn is put together from its records, by whatever order and shape they come in.
import { isOpening, MESSAGE_TYPES, ProcessChange, type JournalRecord } from 'busline/journal'
import { DamagedRecord } from './damaged-record.ts'
import { excerpt, fieldOf, stringIn, TOLD_EVENTS } from './excerpt.ts'
import { answerOf, deltasText, turnEndOf } from './turn-values.ts'

const { runTurn, continueTurn, callModel, callTool, modelTextReceived } = MESSAGE_TYPES

/** One model or tool call of a turn. `ms` is null and `status` `interrupted` when it has no end in the journal. */
export interface ShownCall {
  id: string
  type: string
  cause: string | null
  line: number
  ms: number | null
  status: string
  /** Of a tool call: name and arguments; of a model call: the model asked. */
  name: string | null
  arguments: unknown
  /** Of a tool call: its result; of a model call: the answer's text and the tools it calls. */
  output: unknown
  finishReason: string | null
  usage: unknown
  /** US dollars; null when nobody knows. */
  cost: number | null
  error: { code: string; message: string } | null
}

/** Something that happened in a turn beside its calls: an attempt that failed, an approval, a limit. */
export interface ShownNote {
  line: number
  type: string
  text: string
}

/** One turn, put together from its records alone. */
export interface ShownTurn {
  turn: string
  session: string | null
  cause: string | null
  line: number
  startedAt: number
  ms: number | null
  status: string
  text: string
  /** Whether it goes on here with what a crash interrupted, in an earlier journal or earlier in this one. */
  resumed: boolean
  /** The final text; of a turn that did not end well, what had arrived of it. */
  reply: string | null
  finishReason: string | null
  usage: unknown
  /** US dollars; null when nobody knows. */
  cost: number | null
  steps: number
  calls: ShownCall[]
  notes: ShownNote[]
  error: { code: string; message: string } | null
}

const COMMANDS: ReadonlySet<string> = new Set([runTurn, continueTurn, callModel, callTool])

/**
 * Collects turns from records in order; a turn comes out when it ends, or when another process goes on with the journal: what
 * was open then is interrupted. One that goes on after that comes out twice. Throws a {@link DamagedRecord}.
 */
export class TurnRecords {
  /** Whether a record can be of interest; what is not need not be read whole. */
  static wants(record: Readonly<JournalRecord>): boolean {
    const { kind, type } = record
    if (isOpening(record)) return true
    return kind === 'event' ? type === modelTextReceived || TOLD_EVENTS.has(type) : COMMANDS.has(type)
  }

  /** Commands with data of another shape: refused as such, or damaged. */
  #strange = new Map<string, JournalRecord>()
  /** By the command that runs it, and by its id, which differ where a turn goes on. */
  #running = new Map<string, ShownTurn>()
  #turns = new Map<string, ShownTurn>()
  #calls = new Map<string, ShownCall>()
  /** The model call of a turn that began last: what is heard of another does not count any more. */
  #speaking = new Map<string, string>()
  #process = new ProcessChange()

  /** Takes one record; the turns that end with it. */
  take(record: JournalRecord): ShownTurn[] {
    if (this.#process.at(record, () => record)) return this.#leave(this.unfinished())
    if (record.type === modelTextReceived) this.#hear(record)
    else if (record.kind === 'event') this.#note(record)
    if (record.kind === 'command') return this.#begin(record)
    const ended = record.kind === 'result' ? this.#end(record) : undefined
    return ended ? [ended] : []
  }

  /** Turns that began and have no end: the process was killed, or still runs. */
  unfinished(): ShownTurn[] {
    return [...this.#running.values()]
  }

  /** Turns that will not end any more, as what ran them is gone. */
  #leave(turns: ShownTurn[]): ShownTurn[] {
    for (const [id, turn] of this.#running) if (turns.includes(turn)) this.#running.delete(id)
    for (const { turn } of turns) {
      this.#turns.delete(turn)
      this.#speaking.delete(turn)
    }
    return turns
  }

  #begin(record: JournalRecord): ShownTurn[] {
    const { type, id, turn: turnId } = record
    if (id === undefined || turnId === undefined) return []
    if (!isReadable(record)) this.#strange.set(id, record)
    let left: ShownTurn[] = []
    if (type === runTurn || type === continueTurn) {
      const before = this.#turns.get(turnId)
      if (before && type === continueTurn) left = this.#leave([before])
      const begun = newTurn(record, turnId)
      this.#running.set(id, begun)
      this.#turns.set(turnId, begun)
    }
    const turn = this.#turns.get(turnId)
    if (!turn || (type !== callModel && type !== callTool)) return left
    const call = newCall(record, id)
    this.#calls.set(id, call)
    turn.calls.push(call)
    if (type !== callModel) return left
    turn.steps++
    turn.reply = null
    this.#speaking.set(turnId, id)
    return left
  }

  #hear(record: JournalRecord): void {
    const { turn: turnId = '', cause, data } = record
    const turn = this.#turns.get(turnId)
    if (!turn || cause !== this.#speaking.get(turnId)) return
    const text = sure(deltasText(data), record)
    turn.reply = `${turn.reply ?? ''}${text}`
  }

  #note(record: JournalRecord): void {
    const { type, turn = '', seq } = record
    if (TOLD_EVENTS.has(type))
      this.#turns.get(turn)?.notes.push({ line: seq + 1, type, text: excerpt(record, 300) })
  }

  #end(record: JournalRecord): ShownTurn | undefined {
    const { of = '', ms = null, status = 'unknown', error = null } = record
    const strange = this.#strange.get(of)
    this.#strange.delete(of)
    if (strange && error?.code !== 'VALIDATION_FAILED') throw new DamagedRecord(strange)
    const ended = { ms, status, error: error && { code: error.code, message: error.message } }
    const call = this.#calls.get(of)
    if (call) Object.assign(call, ended, status === 'ok' ? whatCameBack(record) : {})
    this.#calls.delete(of)

    const turn = this.#running.get(of)
    if (!turn) return undefined
    this.#running.delete(of)
    this.#turns.delete(turn.turn)
    this.#speaking.delete(turn.turn)
    return Object.assign(turn, ended, status === 'ok' ? sure(turnEndOf(record.output), record) : {})
  }
}

function isReadable({ type, data }: JournalRecord): boolean {
  if (type === runTurn) return stringIn(data, 'text') !== undefined
  if (type === callModel) return fieldOf(data, 'model') === null || stringIn(data, 'model') !== undefined
  return (
    type !== callTool || (stringIn(data, 'name') !== undefined && fieldOf(data, 'arguments') !== undefined)
  )
}

function sure<T>(value: T | undefined, record: JournalRecord): T {
  if (value === undefined) throw new DamagedRecord(record)
  return value
}

/** What was refused has a line too, with whatever was given: that is shown as far as it can be read. */
function newTurn({ type, session, cause, seq, time, data }: JournalRecord, turn: string): ShownTurn {
  return {
    turn,
    session: session ?? null,
    cause: cause ?? null,
    line: seq + 1,
    startedAt: time,
    ms: null,
    status: 'interrupted',
    text: stringIn(data, 'text') ?? '',
    resumed: type === continueTurn,
    reply: null,
    finishReason: null,
    usage: null,
    cost: null,
    steps: 0,
    calls: [],
    notes: [],
    error: null,
  }
}

function newCall({ type, cause, seq, data }: JournalRecord, id: string): ShownCall {
  const isModel = type === callModel
  return {
    id,
    type,
    cause: cause ?? null,
    line: seq + 1,
    ms: null,
    status: 'interrupted',
    name: stringIn(data, isModel ? 'model' : 'name') ?? null,
    arguments: isModel ? null : (fieldOf(data, 'arguments') ?? null),
    output: null,
    finishReason: null,
    usage: null,
    cost: null,
    error: null,
  }
}

function whatCameBack(record: JournalRecord): Partial<ShownCall> {
  if (record.type !== callModel) return { output: record.output ?? null }
  const { text, calls, model, ...spent } = sure(answerOf(record.output), record)
  return { output: { text, calls }, ...spent, ...(model !== null && { name: model }) }
}
