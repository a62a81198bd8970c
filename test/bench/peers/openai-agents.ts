import {
  Agent,
  MemorySession,
  OpenAIChatCompletionsModel,
  Runner,
  setTracingDisabled,
  tool,
  type AgentInputItem,
} from '@openai/agents'
import OpenAI from 'openai'
import { chatHistories, type ChatMessage } from '../chat-history.ts'
import type { Talker, TalkSetup } from '../talker.ts'
import { DESCRIPTION, MODEL, parameters, QUESTION, TOOL_NAME, weatherOf } from '../weather.ts'

const weather = tool({
  name: TOOL_NAME,
  description: DESCRIPTION,
  parameters,
  execute: async ({ location }) => weatherOf(location),
})

/** Its chat-completions model; nothing is traced. A session in memory holds each conversation. */
export function talker(setup: TalkSetup): Talker {
  setTracingDisabled(true)
  const client = new OpenAI({ apiKey: 'none', baseURL: setup.url, maxRetries: 0 })
  const agent = new Agent({
    name: 'bench',
    model: new OpenAIChatCompletionsModel(client, MODEL),
    tools: setup.tools ? [weather] : [],
  })
  const runner = new Runner({ tracingDisabled: true })
  const sessions = chatHistories(setup).map(
    (messages) => new MemorySession({ initialItems: messages.flatMap(itemsOf) }),
  )
  return {
    async turn(conversation) {
      const session = (sessions[conversation] ??= new MemorySession())
      if (!setup.stream) {
        const { finalOutput } = await runner.run(agent, QUESTION, { session })
        return finalOutput ?? ''
      }
      const result = await runner.run(agent, QUESTION, { session, stream: true })
      let text = ''
      for await (const piece of result.toTextStream()) text += piece
      await result.completed
      return text
    },
  }
}

function itemsOf(message: ChatMessage): AgentInputItem[] {
  const status = 'completed' as const
  if (message.role === 'user') return [{ type: 'message', ...message }]
  if (message.role === 'tool') {
    const output = { type: 'text' as const, text: message.content }
    return [{ type: 'function_call_result', name: TOOL_NAME, callId: message.tool_call_id, status, output }]
  }
  const { tool_calls = [], content } = message
  return [
    ...(content === null
      ? []
      : [
          {
            type: 'message' as const,
            role: 'assistant' as const,
            status,
            content: [{ type: 'output_text' as const, text: content }],
          },
        ]),
    ...tool_calls.map(({ id, function: called }) => ({
      type: 'function_call' as const,
      callId: id,
      name: called.name,
      arguments: called.arguments,
      status,
    })),
  ]
}
