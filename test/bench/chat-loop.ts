import { chatHistories, type ChatCall, type ChatMessage } from './chat-history.ts'
import type { Talker, TalkSetup } from './talker.ts'
import { parameters, QUESTION, weatherOf } from './weather.ts'

/** An answer as a server gives it. */
export interface ChatAnswer {
  content: string | null
  tool_calls?: ChatCall[]
}

/** The loop that everybody writes by hand: ask, run what was called, ask again, until an answer in words. */
export function chatLoop(setup: TalkSetup, ask: (messages: ChatMessage[]) => Promise<ChatAnswer>): Talker {
  const histories = chatHistories(setup)
  return {
    async turn(conversation) {
      const messages = (histories[conversation] ??= [])
      messages.push({ role: 'user', content: QUESTION })
      for (;;) {
        const { content, tool_calls } = await ask(messages)
        messages.push({ role: 'assistant', content, ...(tool_calls && { tool_calls }) })
        if (!tool_calls?.length) return content ?? ''
        for (const { id, function: called } of tool_calls) {
          const { location } = parameters.parse(JSON.parse(called.arguments))
          messages.push({ role: 'tool', tool_call_id: id, content: JSON.stringify(weatherOf(location)) })
        }
      }
    },
  }
}
