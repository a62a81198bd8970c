import { DESCRIPTION, MODEL, parameters, TOOL_NAME } from './weather.ts'
import * as z from 'zod'

// A type, not an interface: only those fit where any further field may stand.
export type ChatCall = {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

/** The messages of the OpenAI chat format, as far as conversations here need them. */
export type ChatMessage =
  | { role: 'user'; content: string }
  | { role: 'assistant'; content: string | null; tool_calls?: ChatCall[] }
  | { role: 'tool'; tool_call_id: string; content: string }

const CITIES = ['London', 'Nairobi', 'San José', 'Reykjavík', 'Ulaanbaatar', 'Porto Alegre', 'Hà Nội']

/** A history of so many messages, a multiple of ten: of each ten, two exchanges with a tool call and one without. */
export function chatHistory(length: number): ChatMessage[] {
  const messages: ChatMessage[] = []
  for (let round = 0; messages.length < length; round++) {
    const city = CITIES[round % CITIES.length] ?? ''
    messages.push(
      { role: 'user', content: `Good morning. This is number ${round}; what can you tell me of ${city}?` },
      {
        role: 'assistant',
        content: `A lot, and all of it in a few words: ${city} has people, streets, weather and a history of its own.`,
      },
      ...toolExchange(`call_h${round}a`, city),
      ...toolExchange(`call_h${round}b`, city),
    )
  }
  return messages
}

/** The history of each conversation, begun anew. */
export function chatHistories(setup: { conversations: number; history: number }): ChatMessage[][] {
  return Array.from({ length: setup.conversations }, () => chatHistory(setup.history))
}

function toolExchange(id: string, location: string): ChatMessage[] {
  const call = { name: TOOL_NAME, arguments: JSON.stringify({ location, unit: 'celsius' }) }
  return [
    {
      role: 'user',
      content: `And what is the weather like in ${location} at the moment, in celsius please?`,
    },
    { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: call }] },
    {
      role: 'tool',
      tool_call_id: id,
      content: `{"location":"${location}","temperature":21,"conditions":"fair"}`,
    },
    {
      role: 'assistant',
      content: `It is 21 degrees in ${location}, and fair; no need for an umbrella today.`,
    },
  ]
}

/** What every request says beside its messages. */
export function chatRequest({ stream, tools }: { stream: boolean; tools: boolean }): {
  model: string
  tools?: {
    type: 'function'
    function: { name: string; description: string; parameters: Record<string, unknown> }
  }[]
  stream?: true
  stream_options?: { include_usage: true }
} {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(parameters)
  return {
    model: MODEL,
    ...(tools && {
      tools: [
        { type: 'function', function: { name: TOOL_NAME, description: DESCRIPTION, parameters: schema } },
      ],
    }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  }
}
