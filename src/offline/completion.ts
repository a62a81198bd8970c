import type { OfflineAnswer } from './offline-model.ts'
import { rawText } from './plain-text.ts'
import type { ChatRequest } from './protocol.ts'

/** A tool call as it goes over the wire; `arguments` is JSON, or the beginning of it when a limit cut it. */
export interface WireToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** An answer with all that the protocol tells about it. */
export interface Completion {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  readonly text: string | null
  readonly toolCalls: readonly WireToolCall[]
  readonly finishReason: 'stop' | 'tool_calls' | 'length'
  readonly usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
}

const CHARACTERS_PER_TOKEN = 4

/** Makes the completion of an answer: cuts it at the request's token limit, gives ids, counts. */
export function completionOf(
  answer: OfflineAnswer,
  request: ChatRequest,
  options: { id: string; created: number; newCallId: () => string },
): Completion {
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Infinity
  const whole = (answer.toolCalls ?? []).map((call) => ({
    ...call,
    arguments: JSON.stringify(call.arguments),
  }))
  let room = limit * CHARACTERS_PER_TOKEN
  const take = (text: string) => {
    const taken = text.slice(0, room).replace(text.length > room ? /[\ud800-\udbff]$/ : '', '')
    room = text.length > room ? 0 : room - text.length
    return taken
  }

  const text = answer.text === undefined ? null : take(answer.text)
  const toolCalls: WireToolCall[] = []
  for (const { name, arguments: args } of whole) {
    room -= name.length
    if (room <= 0) break
    toolCalls.push({ id: options.newCallId(), name, arguments: take(args) })
  }

  const isCut =
    (text ?? '') !== (answer.text ?? '') || toolCalls.length < whole.length || differs(toolCalls, whole)
  const completionTokens = Math.min(limit, tokensOf(text?.length ?? 0, toolCalls))
  const promptTokens = promptTokensOf(request)
  return {
    id: options.id,
    created: options.created,
    model: request.model,
    text: text ?? (toolCalls.length > 0 ? null : ''),
    toolCalls,
    finishReason: isCut ? 'length' : toolCalls.length > 0 ? 'tool_calls' : 'stop',
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  }
}

/** The one body of an answer that is not streamed. */
export function completionBody(completion: Completion): object {
  const { id, created, model, text, toolCalls, finishReason, usage } = completion
  const calls = toolCalls.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function',
    function: { name, arguments: args },
  }))
  const message = {
    role: 'assistant',
    content: text,
    refusal: null,
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    usage,
  }
}

function differs(taken: readonly { arguments: string }[], whole: readonly { arguments: string }[]): boolean {
  return taken.some((call, index) => call.arguments !== whole[index]?.arguments)
}

function tokensOf(characters: number, calls: readonly { name: string; arguments: string }[]): number {
  const inCalls = calls.reduce((sum, { name, arguments: args }) => sum + name.length + args.length, 0)
  return Math.ceil((characters + inCalls) / CHARACTERS_PER_TOKEN)
}

/** An estimate over all that the model was given: texts, earlier calls, and the tools as JSON. */
function promptTokensOf({ messages, tools }: ChatRequest): number {
  let characters = tools && tools.length > 0 ? JSON.stringify(tools).length : 0
  for (const { content, tool_calls } of messages) {
    characters += rawText(content).length
    for (const call of tool_calls ?? [])
      characters += call.function.name.length + call.function.arguments.length
  }
  return Math.ceil(characters / CHARACTERS_PER_TOKEN)
}
