import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, stepCountIs, streamText, tool, type ModelMessage } from 'ai'
import { chatHistories, type ChatMessage } from '../chat-history.ts'
import type { Talker, TalkSetup } from '../talker.ts'
import { DESCRIPTION, MODEL, parameters, QUESTION, TOOL_NAME, weatherOf } from '../weather.ts'

const weather = tool({
  description: DESCRIPTION,
  inputSchema: parameters,
  execute: async ({ location }) => weatherOf(location),
})

/** A history is an array of messages that the program keeps. */
export function talker(setup: TalkSetup): Talker {
  const provider = createOpenAICompatible({
    name: 'bench',
    baseURL: setup.url,
    apiKey: 'none',
    includeUsage: true,
  })
  const options = {
    model: provider(MODEL),
    ...(setup.tools && { tools: { [TOOL_NAME]: weather } }),
    stopWhen: stepCountIs(10),
    maxRetries: 0,
  }
  const histories = chatHistories(setup).map((messages) => messages.map(modelMessage))
  return {
    async turn(conversation) {
      const messages = (histories[conversation] ??= [])
      messages.push({ role: 'user', content: QUESTION })
      if (!setup.stream) {
        const { text, response } = await generateText({ ...options, messages })
        messages.push(...response.messages)
        return text
      }
      let text = ''
      const result = streamText({
        ...options,
        messages,
        onError: ({ error }) => {
          throw error
        },
      })
      for await (const piece of result.textStream) text += piece
      messages.push(...(await result.response).messages)
      return text
    },
  }
}

function modelMessage(message: ChatMessage): ModelMessage {
  if (message.role === 'user') return message
  if (message.role === 'tool') {
    const output = { type: 'json' as const, value: JSON.parse(message.content) }
    const toolCallId = message.tool_call_id
    return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName: TOOL_NAME, output }] }
  }
  const { tool_calls, content } = message
  if (!tool_calls) return { role: 'assistant', content: content ?? '' }
  return {
    role: 'assistant',
    content: tool_calls.map(({ id, function: called }) => ({
      type: 'tool-call' as const,
      toolCallId: id,
      toolName: called.name,
      input: JSON.parse(called.arguments),
    })),
  }
}
