import {
  CallModel,
  CallTool,
  TurnCancelled,
  TurnFailed,
  type App,
  type ConversationMessage,
  type JournalRecord,
  type ToolCallOutcome,
  type TurnResult,
} from 'busline'
import * as z from 'zod'

/** One turn as the program reports it, however it ended. */
export interface TurnReport {
  turn: string | null
  status: 'ok' | 'error' | 'cancelled' | 'timeout'
  reply: string | null
  finishReason: string | null
  toolCalls: ToolCallOutcome[]
  usage: TurnResult['usage']
  /** US dollars; null when nobody knows. */
  cost: number | null
  model: string | null
  messages: ConversationMessage[]
  /** What to know of a turn that ended well all the same, in words. */
  warnings: string[]
  error: { code: string; message: string } | null
  /** Line of the journal where a failed turn says why. */
  journalLine: number | null
}

const Ended = TurnFailed.data
const Answer = z.object({ model: z.string().nullable(), finishReason: z.string().nullable() })

/** Follows one turn on the bus, so that its calls and its cost are known also when it fails. */
export function watchTurn(
  app: App,
  onToolCall: (call: ToolCallOutcome) => void,
): {
  report: (outcome: { result: TurnResult } | { error: unknown }) => TurnReport
  stop: () => void
} {
  const calls = new Map<string, ToolCallOutcome>()
  let answer: z.output<typeof Answer> = { model: null, finishReason: null }
  let ended: z.output<typeof Ended> | undefined
  let status: TurnReport['status'] = 'error'
  let journalLine: number | null = null

  const stop = app.bus.tap(function watchTurn(record: JournalRecord) {
    const { kind, type } = record
    if (kind === 'command' && type === CallTool.type && record.id !== undefined) {
      const { call, name, arguments: args } = CallTool.input.parse(record.data)
      calls.set(record.id, { id: call, name, arguments: args, result: null, error: null })
    }
    if (kind === 'result' && type === CallTool.type) {
      const call = calls.get(record.of ?? '')
      if (!call) return
      call.result = record.output ?? null
      if (record.error) call.error = { code: record.error.code, message: record.error.message }
      onToolCall(call)
    }
    if (kind === 'result' && type === CallModel.type && record.status === 'ok')
      answer = Answer.parse(record.output)
    if (type === TurnFailed.type || type === TurnCancelled.type) {
      const end = Ended.parse(record.data)
      // An earlier turn that a crash had interrupted, told when this one began.
      if (end.turn !== record.turn) return
      ended = end
      journalLine = record.seq + 1
      if (type === TurnCancelled.type) status = 'cancelled'
      else if (ended.error.code === 'TIMED_OUT') status = 'timeout'
    }
  })

  const report = (outcome: { result: TurnResult } | { error: unknown }): TurnReport => {
    if ('result' in outcome) {
      const {
        turn,
        reply,
        finishReason,
        toolCalls,
        usage,
        messages,
        warnings = [],
        cost = null,
      } = outcome.result
      const { model } = answer
      return {
        turn,
        status: 'ok',
        reply,
        finishReason,
        toolCalls,
        usage,
        cost,
        model,
        messages,
        warnings: [...warnings.map(({ message }) => message), ...limitIn(finishReason)],
        error: null,
        journalLine,
      }
    }
    const { code, message } = codeAndMessage(outcome.error)
    return {
      turn: ended?.turn ?? null,
      status,
      reply: replySoFar(ended?.messages ?? []),
      finishReason: answer.finishReason,
      toolCalls: [...calls.values()],
      usage: ended?.usage ?? null,
      cost: null,
      model: answer.model,
      messages: ended?.messages ?? [],
      warnings: [],
      error: { code, message: app.bus.redact(message) },
      journalLine,
    }
  }
  return { report, stop }
}

const LIMITS: Readonly<Record<string, string>> = {
  maxSteps: 'its limit of model calls with tools (--max-steps)',
  maxTokens: 'its limit of tokens',
  maxCost: 'its limit of cost',
  maxDuration: 'its limit of time',
}

function limitIn(finishReason: string | null): string[] {
  const limit = LIMITS[finishReason ?? '']
  return limit === undefined ? [] : [`The turn ended at ${limit}.`]
}

function replySoFar(messages: readonly ConversationMessage[]): string | null {
  const last = messages.findLast((message) => message.role === 'assistant' && !message.tool_calls)
  return typeof last?.content === 'string' && last.content !== '' ? last.content : null
}

function codeAndMessage(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'HANDLER_FAILED', message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'HANDLER_FAILED'
  return { code, message: error.message }
}
