import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { MemorySaver } from '@langchain/langgraph'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI } from '@langchain/openai'
import { chatHistories, type ChatMessage } from '../chat-history.ts'
import type { Talker, TalkSetup } from '../talker.ts'
import { DESCRIPTION, MODEL, parameters, QUESTION, TOOL_NAME, weatherOf } from '../weather.ts'

const weather = tool(({ location }) => JSON.stringify(weatherOf(location)), {
  name: TOOL_NAME,
  description: DESCRIPTION,
  schema: parameters,
})

/** The prebuilt agent. A conversation is a thread of its saver in memory. */
export async function talker(setup: TalkSetup): Promise<Talker> {
  const agent = createReactAgent({
    llm: new ChatOpenAI({
      model: MODEL,
      apiKey: 'none',
      maxRetries: 0,
      configuration: { baseURL: setup.url },
    }),
    tools: setup.tools ? [weather] : [],
    checkpointer: new MemorySaver(),
  })
  const threadOf = (conversation: number) => ({ configurable: { thread_id: `conversation-${conversation}` } })
  if (setup.history > 0) {
    for (const [conversation, messages] of chatHistories(setup).entries())
      await agent.updateState(threadOf(conversation), { messages: messages.map(baseMessage) }, 'agent')
  }
  return {
    async turn(conversation) {
      const input = { messages: [new HumanMessage(QUESTION)] }
      if (!setup.stream) {
        const { messages } = await agent.invoke(input, threadOf(conversation))
        return messages.at(-1)?.text ?? ''
      }
      let text = ''
      const stream = await agent.stream(input, { ...threadOf(conversation), streamMode: 'messages' })
      for await (const [message] of stream) if (message.type === 'ai') text += message.text
      return text
    },
  }
}

function baseMessage(message: ChatMessage): BaseMessage {
  if (message.role === 'user') return new HumanMessage(message.content)
  if (message.role === 'tool')
    return new ToolMessage({ content: message.content, tool_call_id: message.tool_call_id, name: TOOL_NAME })
  return new AIMessage({
    content: message.content ?? '',
    tool_calls: (message.tool_calls ?? []).map(({ id, function: called }) => ({
      id,
      name: called.name,
      args: JSON.parse(called.arguments),
      type: 'tool_call',
    })),
  })
}
