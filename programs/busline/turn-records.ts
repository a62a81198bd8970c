import { CallModel, CallTool, ModelTextReceived, RunTurn, type JournalRecord } from 'busline'
import * as z from 'zod'

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
  error: { code: string; message: string } | null
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
  /** The final text; of a turn that did not end well, what had arrived of it. */
  reply: string | null
  finishReason: string | null
  usage: unknown
  steps: number
  calls: ShownCall[]
  error: { code: string; message: string } | null
}

const ModelInput = z.object({ model: z.string().nullable() })
const Answer = CallModel.output.pick({ message: true, finishReason: true, usage: true })
const Deltas = z.object({ deltas: z.array(z.tuple([z.number(), z.string()])) })
const Result = RunTurn.output.pick({ reply: true, finishReason: true, usage: true })

/** Collects turns from records in order; a turn comes out when it ends. Throws a ZodError for data of another shape. */
export class TurnRecords {
  #turns = new Map<string, ShownTurn>()
  #calls = new Map<string, ShownCall>()

  /** Takes one record; the turn that it ends, if it ends one. */
  take(record: JournalRecord): ShownTurn | undefined {
    if (record.type === ModelTextReceived.type) this.#hear(record)
    if (record.kind === 'command') this.#begin(record)
    return record.kind === 'result' ? this.#end(record) : undefined
  }

  /** Turns that began and have no end: the process was killed, or still runs. */
  unfinished(): ShownTurn[] {
    return [...this.#turns.values()]
  }

  #begin(record: JournalRecord): void {
    const { type, id, turn: turnId } = record
    if (id === undefined || turnId === undefined) return
    if (type === RunTurn.type) this.#turns.set(id, newTurn(record, turnId))
    const turn = this.#turns.get(turnId)
    if (!turn || (type !== CallModel.type && type !== CallTool.type)) return
    const call = newCall(record, id)
    this.#calls.set(id, call)
    turn.calls.push(call)
    if (type !== CallModel.type) return
    turn.steps++
    turn.reply = null
  }

  #hear({ turn: turnId = '', data }: JournalRecord): void {
    const turn = this.#turns.get(turnId)
    if (!turn) return
    const text = Deltas.parse(data)
      .deltas.map(([, delta]) => delta)
      .join('')
    turn.reply = `${turn.reply ?? ''}${text}`
  }

  #end(record: JournalRecord): ShownTurn | undefined {
    const { of = '', ms = null, status = 'unknown', error = null } = record
    const ended = { ms, status, error: error && { code: error.code, message: error.message } }
    const call = this.#calls.get(of)
    if (call) Object.assign(call, ended, status === 'ok' ? whatCameBack(record) : {})
    this.#calls.delete(of)

    const turn = this.#turns.get(of)
    if (!turn) return undefined
    this.#turns.delete(of)
    return Object.assign(turn, ended, status === 'ok' ? Result.parse(record.output) : {})
  }
}

function newTurn({ session, cause, seq, time, data }: JournalRecord, turn: string): ShownTurn {
  return {
    turn,
    session: session ?? null,
    cause: cause ?? null,
    line: seq + 1,
    startedAt: time,
    ms: null,
    status: 'interrupted',
    text: RunTurn.input.parse(data).text,
    reply: null,
    finishReason: null,
    usage: null,
    steps: 0,
    calls: [],
    error: null,
  }
}

function newCall({ type, cause, seq, data }: JournalRecord, id: string): ShownCall {
  const isModel = type === CallModel.type
  const { name, arguments: args } = isModel
    ? { name: ModelInput.parse(data).model, arguments: null }
    : CallTool.input.parse(data)
  return {
    id,
    type,
    cause: cause ?? null,
    line: seq + 1,
    ms: null,
    status: 'interrupted',
    name,
    arguments: args,
    output: null,
    finishReason: null,
    usage: null,
    error: null,
  }
}

function whatCameBack(record: JournalRecord): Partial<ShownCall> {
  if (record.type !== CallModel.type) return { output: record.output ?? null }
  const { message, finishReason, usage } = Answer.parse(record.output)
  const calls = message.tool_calls?.map((call) => call.function.name) ?? []
  return { output: { text: message.content ?? null, calls }, finishReason, usage }
}
