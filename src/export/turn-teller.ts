import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { ContinueTurn, LimitReached, RunTurn } from '../messages/chat.ts'
import { ConversationMessage, TokenUsage } from '../messages/conversation.ts'
import {
  CallModel,
  ModelAnswerSuperseded,
  ModelAttemptFailed,
  ModelRouted,
  ModelTextReceived,
} from '../messages/model.ts'
import { AppendMessages } from '../messages/session.ts'
import { CallTool } from '../messages/tool.ts'
import { addCosts, addUsage } from '../messages/usage-sum.ts'
import type { ExportFilter, Records } from './export-options.ts'
import type { ToldCall, ToldError, ToldTurn } from './told-turn.ts'

const Said = z.looseObject({ text: z.string() })
const Appended = z.looseObject({ messages: z.array(z.unknown()) })
const Called = z.looseObject({ call: z.string(), name: z.string(), arguments: z.unknown() })
const Answered = z.looseObject({
  usage: TokenUsage.nullish().catch(null),
  model: z.string().nullish().catch(null),
  cost: z.number().nullish().catch(null),
  finishReason: z.string().nullish().catch(null),
})
const Deltas = z.looseObject({ deltas: z.array(z.tuple([z.number(), z.string()])) })
const Failed = z.looseObject({ code: z.string(), message: z.string() })
const Attempt = z.looseObject({ attempt: z.number(), error: Failed })
const Routed = z.looseObject({ to: z.string(), error: Failed })
const Limit = z.looseObject({ limit: z.string(), max: z.number() })

/**
 * The turns of a run, each when it ends; those that have no end come last. Holds the turns that run, nothing else. Records of
 * another shape than that of their type are passed over.
 */
export async function* turnsOf(
  records: Records,
  { session, turn }: ExportFilter = {},
): AsyncGenerator<ToldTurn> {
  const teller = new TurnTeller()
  const isWanted = (told: ToldTurn): boolean =>
    (session === undefined || told.session === session) && (turn === undefined || told.turn === turn)
  for await (const record of records) {
    const told = teller.take(record)
    if (told && isWanted(told)) yield told
  }
  for (const told of teller.unfinished()) if (isWanted(told)) yield told
}

class TurnTeller {
  /** By the command that runs it, and by its own id, which differ where a turn goes on. */
  #running = new Map<string, ToldTurn>()
  #turns = new Map<string, ToldTurn>()
  #calls = new Map<string, ToldCall>()
  #appending = new Map<string, ConversationMessage[]>()
  /** The model call of a turn that began last. */
  #speaking = new Map<string, string>()

  take(record: JournalRecord): ToldTurn | undefined {
    if (record.kind === 'command') this.#begin(record)
    else if (record.kind === 'result') return this.#end(record)
    else if (record.kind === 'event') this.#hear(record)
    return undefined
  }

  unfinished(): ToldTurn[] {
    return [...this.#running.values()]
  }

  #begin(record: JournalRecord): void {
    const { type, id, turn: turnId, data } = record
    if (id === undefined || turnId === undefined) return
    if (type === RunTurn.type || type === ContinueTurn.type) {
      const told = newTurn(record, turnId)
      this.#running.set(id, told)
      this.#turns.set(turnId, told)
    }
    const turn = this.#turns.get(turnId)
    if (!turn) return
    if (type === AppendMessages.type) this.#append(turn, id, data)
    if (type === CallTool.type) this.#call(turn, record, id)
    if (type !== CallModel.type) return
    turn.steps++
    turn.heard = ''
    this.#speaking.set(turnId, id)
  }

  #append(turn: ToldTurn, id: string, data: unknown): void {
    const messages = (Appended.safeParse(data).data?.messages ?? []).flatMap(
      (message) => ConversationMessage.safeParse(message).data ?? [],
    )
    // Not by a spread: one of very many overflows the stack.
    for (const message of messages) turn.messages.push(message)
    if (messages.some(({ role }) => role === 'assistant')) turn.heard = ''
    this.#appending.set(id, messages)
  }

  #call(turn: ToldTurn, { seq, data }: JournalRecord, id: string): void {
    const called = Called.safeParse(data).data
    if (!called) return
    const { call, name, arguments: args } = called
    const open = { ms: null, status: 'interrupted', output: null, error: null }
    const told: ToldCall = { call, name, arguments: args, line: seq + 1, ...open }
    turn.calls.push(told)
    this.#calls.set(id, told)
  }

  #hear({ type, turn: turnId = '', cause, data }: JournalRecord): void {
    const turn = this.#turns.get(turnId)
    if (!turn) return
    if (type === ModelTextReceived.type && cause === this.#speaking.get(turnId))
      turn.heard += (Deltas.safeParse(data).data?.deltas ?? []).map(([, text]) => text).join('')
    if (type === ModelAnswerSuperseded.type) turn.heard = ''
    const news = newsOf(type, data)
    if (news !== undefined) turn.news.push(news)
  }

  #end(record: JournalRecord): ToldTurn | undefined {
    const { of = '', type, ms = null, status = 'unknown', output = null } = record
    const error = errorOf(record)
    const call = this.#calls.get(of)
    if (call) Object.assign(call, { ms, status, output, error })
    this.#calls.delete(of)

    const appended = this.#appending.get(of)
    this.#appending.delete(of)
    const turn = record.turn === undefined ? undefined : this.#turns.get(record.turn)
    // What was refused is not in the session.
    if (turn && appended && status !== 'ok')
      turn.messages = turn.messages.filter((one) => !appended.includes(one))
    if (turn && type === CallModel.type) countCall(turn, record)

    const ended = this.#running.get(of)
    if (!ended) return undefined
    this.#running.delete(of)
    this.#turns.delete(ended.turn)
    this.#speaking.delete(ended.turn)
    return Object.assign(ended, { ms, status, error })
  }
}

function newTurn({ type, session, seq, time, data }: JournalRecord, turn: string): ToldTurn {
  return {
    turn,
    session: session ?? null,
    line: seq + 1,
    startedAt: time,
    resumed: type === ContinueTurn.type,
    said: Said.safeParse(data).data?.text ?? '',
    messages: [],
    calls: [],
    news: [],
    heard: '',
    steps: 0,
    model: null,
    finishReason: null,
    usage: null,
    cost: null,
    ms: null,
    status: 'interrupted',
    error: null,
  }
}

/** A failed call took what its error tells. */
function countCall(turn: ToldTurn, { status, output, error }: JournalRecord): void {
  const told = Answered.safeParse(status === 'ok' ? output : error?.data).data
  if (status === 'ok' && told) {
    turn.model = told.model ?? null
    turn.finishReason = told.finishReason ?? null
  }
  if (!told?.usage) return
  const usage = { ...told.usage, calls: 1 }
  const cost = told.cost ?? null
  const isFirst = turn.usage === null
  turn.usage = turn.usage ? addUsage(turn.usage, usage) : usage
  turn.cost = isFirst ? cost : turn.cost === null || cost === null ? null : addCosts(turn.cost, cost)
}

function errorOf({ error }: JournalRecord): ToldError | null {
  const failed = Failed.safeParse(error).data
  return failed ? { code: failed.code, message: failed.message } : null
}

function newsOf(type: string, data: unknown): string | undefined {
  if (type === ModelAttemptFailed.type) {
    const told = Attempt.safeParse(data).data
    return (
      told && `Attempt ${told.attempt} failed (${told.error.code}: ${told.error.message}); another followed.`
    )
  }
  if (type === ModelRouted.type) {
    const told = Routed.safeParse(data).data
    return told && `${told.to} was asked instead (${told.error.code}: ${told.error.message}).`
  }
  const limit = type === LimitReached.type ? Limit.safeParse(data).data : undefined
  return limit && `The limit ${limit.limit} of ${limit.max} was reached.`
}
