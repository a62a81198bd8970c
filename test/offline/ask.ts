import { offlineAnswer, type OfflineAnswer } from '../../src/offline/offline-model.ts'
import type { ChatMessage, ChatRequest } from '../../src/offline/protocol.ts'

/** The three tools as a client offers them. */
export const TOOLS = ['get_weather', 'send_email', 'calculate'].map((name) => ({
  type: 'function',
  function: { name, description: '', parameters: { type: 'object' } },
}))

export const user = (content: ChatMessage['content']): ChatMessage => ({ role: 'user', content })
export const said = (content: string): ChatMessage => ({ role: 'assistant', content })

/** An assistant message that calls tools, and their results: `[name, arguments, content]` each. */
export function called(...calls: readonly (readonly [string, object, unknown])[]): ChatMessage[] {
  const ids = calls.map((_, index) => `call_${index}`)
  return [
    {
      role: 'assistant',
      content: null,
      tool_calls: calls.map(([name, args], index) => ({
        id: ids[index] ?? '',
        type: 'function',
        function: { name, arguments: JSON.stringify(args) },
      })),
    },
    ...calls.map(([, , content], index) => ({
      role: 'tool' as const,
      tool_call_id: ids[index] ?? '',
      content: typeof content === 'string' ? content : JSON.stringify(content),
    })),
  ]
}

/** Asks the model with all tools on offer. */
export function ask(
  messages: string | readonly ChatMessage[],
  request: Pick<ChatRequest, 'tools' | 'tool_choice'> = {},
): OfflineAnswer {
  const list = typeof messages === 'string' ? [user(messages)] : [...messages]
  return offlineAnswer({ messages: list, tools: TOOLS, ...request })
}

/** The calls of an answer in one line each: `calculate 2+2`, `get_weather Rome celsius`. */
export function calls(answer: OfflineAnswer): string[] {
  return (answer.toolCalls ?? []).map(({ name, arguments: args }) =>
    [name, ...Object.values(args)].join(' | '),
  )
}
