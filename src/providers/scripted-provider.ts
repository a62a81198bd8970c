import type { Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'
import type { ConversationMessage, TokenUsage } from '../messages/conversation.ts'
import {
  CallModel,
  ModelReasoningReceived,
  ModelTextReceived,
  type ModelAnswer,
  type ModelRequest,
} from '../messages/model.ts'

/** One answer of a script; a string is its text. `arguments` may be an object, or the raw string of a broken model. */
export type ScriptedAnswer =
  | string
  | {
      text?: string
      /** Comes before the text, and stays with the message as `reasoning`. */
      reasoning?: string
      toolCalls?: readonly { name: string; arguments: object | string }[]
      /** Default `tool_calls` where there are any, else `stop`. */
      finishReason?: string | null
      /** Default null: the server did not tell. */
      usage?: TokenUsage | null
      /** Rejects with this, after the text. */
      error?: Error | { code: ErrorCode; message: string }
    }

/** An answer, or a function of the request that gives one. */
export type ScriptedStep =
  ScriptedAnswer | ((request: ModelRequest) => ScriptedAnswer | Promise<ScriptedAnswer>)

/**
 * Handles {@link CallModel} from a script, step by step, for tests and demos without a server. Ids of tool calls are
 * `call_1`, `call_2`, … over the whole script.
 */
export function scriptedProvider(steps: readonly ScriptedStep[]): Participant {
  return (bus) => {
    let calls = 0
    let ids = 0
    bus.handle(CallModel, async function scripted(request, scope) {
      const step = steps[calls]
      if (step === undefined) throw ranOut(steps.length)
      calls++
      const answer = typeof step === 'function' ? await unlessAborted(step(request), scope.signal) : step
      return play(
        typeof answer === 'string' ? { text: answer } : answer,
        request,
        scope,
        () => `call_${++ids}`,
      )
    })
  }
}

function play(
  answer: Exclude<ScriptedAnswer, string>,
  request: ModelRequest,
  scope: Scope,
  newCallId: () => string,
): ModelAnswer {
  const { text = '', reasoning = '', toolCalls = [], error } = answer
  if (reasoning !== '') scope.publish(ModelReasoningReceived, { text: reasoning })
  if (text !== '') scope.publish(ModelTextReceived, { text })
  if (error instanceof Error) throw error
  if (error) throw new BuslineError(error.code, error.message, text === '' ? {} : { data: { text } })

  const calls = toolCalls.map(({ name, arguments: given }) => ({
    id: newCallId(),
    type: 'function' as const,
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }))
  const message: ConversationMessage = {
    role: 'assistant',
    content: text || null,
    ...(reasoning !== '' && { reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  const finishReason = answer.finishReason ?? (calls.length > 0 ? 'tool_calls' : 'stop')
  return {
    message,
    finishReason: answer.finishReason === null ? null : finishReason,
    usage: answer.usage ?? null,
    model: request.model,
  }
}

/** A step may wait for something that a cancel keeps from coming. */
function unlessAborted<T>(step: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    Promise.resolve(step)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}

function cancelled(reason: unknown): BuslineError {
  if (reason instanceof BuslineError) return reason
  return new BuslineError('CANCELLED', 'The model call was cancelled.', { cause: reason })
}

function ranOut(count: number): BuslineError {
  return new BuslineError(
    'PROVIDER_FAILED',
    `The script has run out: it has ${count} ${count === 1 ? 'step' : 'steps'}, and the model was called once more.`,
    { data: { steps: count } },
  )
}
