import OpenAI from 'openai'
import { chatRequest, type ChatCall } from './chat-history.ts'
import { ChunkedAnswer } from './chat-chunks.ts'
import { chatLoop } from './chat-loop.ts'
import type { Talker, TalkSetup } from './talker.ts'

/** The openai package and a hand-written loop: what a program does without a framework. */
export function talker(setup: TalkSetup): Talker {
  const client = new OpenAI({ apiKey: 'none', baseURL: setup.url, maxRetries: 0 })
  const { stream, stream_options, ...request } = chatRequest(setup)
  return chatLoop(setup, async (messages) => {
    if (!stream) {
      const completion = await client.chat.completions.create({ ...request, messages })
      const message = completion.choices[0]?.message
      if (!message) throw new Error('no answer')
      const tool_calls = message.tool_calls?.filter((call): call is ChatCall => call.type === 'function')
      return { content: message.content, ...(tool_calls && { tool_calls }) }
    }
    const answer = new ChunkedAnswer()
    const chunks = await client.chat.completions.create({
      ...request,
      messages,
      stream,
      stream_options: stream_options ?? null,
    })
    for await (const chunk of chunks) answer.add(chunk)
    return answer.whole()
  })
}
