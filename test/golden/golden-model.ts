import {
  BuslineError,
  CallModel,
  ModelReasoningReceived,
  ModelTextReceived,
  ModelToolCallStarted,
  type ErrorCode,
  type ModelAnswer,
  type ModelRequest,
  type Participant,
  type Scope,
  type TokenUsage,
} from 'busline'

/** One answer: its pieces come `every` milliseconds (default 20), the first after `after` (default 300). */
export interface GoldenAnswer {
  after?: number
  every?: number
  reasoning?: readonly string[]
  text?: readonly string[]
  toolCalls?: readonly { name: string; arguments: object | string }[]
  finishReason?: string
  /** Default: 100 tokens in, 10 out. */
  usage?: TokenUsage
  /** Rejects with this after the text. */
  error?: { code: ErrorCode; message: string }
}

/** An answer, its text, or a function of the request that gives one. */
export type GoldenStep = GoldenAnswer | string | ((request: ModelRequest) => GoldenAnswer | string)

const USAGE: TokenUsage = { inputTokens: 100, outputTokens: 10, totalTokens: 110 }

/** A model that answers from a script, piece by piece, in the time of the bus. Ids of calls are `call_1`, `call_2`, … */
export function goldenModel(steps: readonly GoldenStep[]): Participant {
  return (bus) => {
    let calls = 0
    let ids = 0
    bus.handle(CallModel, async function goldenModel(request, scope) {
      const step = steps[calls++]
      if (step === undefined) throw new BuslineError('PROVIDER_FAILED', 'The script has run out.')
      const answer = typeof step === 'function' ? step(request) : step
      const told = typeof answer === 'string' ? { text: [answer] } : answer
      return await speak(told, request, scope, () => `call_${++ids}`)
    })
  }
}

async function speak(
  answer: GoldenAnswer,
  request: ModelRequest,
  scope: Scope,
  newCallId: () => string,
): Promise<ModelAnswer> {
  const { after = 300, every = 20, reasoning = [], text = [], toolCalls = [], error } = answer
  await scope.sleep(after)
  for (const piece of reasoning) {
    scope.publish(ModelReasoningReceived, { text: piece })
    await scope.sleep(every)
  }
  for (const piece of text) {
    scope.publish(ModelTextReceived, { text: piece })
    await scope.sleep(every)
  }
  if (error) throw new BuslineError(error.code, error.message)

  const tool_calls = toolCalls.map(({ name, arguments: given }) => ({
    id: newCallId(),
    type: 'function' as const,
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }))
  for (const { id, function: called } of tool_calls)
    scope.publish(ModelToolCallStarted, { call: id, name: called.name })
  return {
    message: {
      role: 'assistant',
      content: text.join('') || null,
      ...(reasoning.length > 0 && { reasoning: reasoning.join('') }),
      ...(tool_calls.length > 0 && { tool_calls }),
    },
    finishReason: answer.finishReason ?? (tool_calls.length > 0 ? 'tool_calls' : 'stop'),
    usage: answer.usage ?? USAGE,
    model: request.model,
  }
}
