import { readdirSync, readFileSync } from 'node:fs'
import { ConversationMessage } from 'busline'
import * as z from 'zod'

const folder = new URL('../corpus/open/', import.meta.url)

const RecordedTool = z.object({
  function: z.object({
    name: z.string(),
    description: z.string().optional(),
    parameters: z.looseObject({}).optional(),
  }),
})

const Request = z.looseObject({
  messages: z.array(ConversationMessage),
  tools: z.array(RecordedTool).default([]),
})

const Exchange = z.looseObject({
  id: z.string(),
  status: z.number(),
  stream: z.boolean(),
  request: z.preprocess(
    (request) => (Request.safeParse(request).success ? request : null),
    Request.nullable(),
  ),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
  sse: z.string().nullable(),
  follows: z.string().nullable(),
  expected: z.looseObject({
    text: z.string(),
    reasoning: z.string().nullable(),
    tool_calls: z.array(z.object({ id: z.string().nullable(), name: z.string(), arguments: z.string() })),
    finish_reason: z.string().nullable(),
    usage: z.unknown(),
  }),
})
/** One recorded exchange, as `test/corpus/open/README.md` describes it. */
export type Exchange = z.output<typeof Exchange>

/** All recorded exchanges, by id. */
export function recordedExchanges(): Map<string, Exchange> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const exchanges = files.map((name) =>
    Exchange.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))),
  )
  return new Map(exchanges.map((exchange) => [exchange.id, exchange]))
}

/**
 * The complete tool loops: an answer that calls tools, then each answer to a request that ends in their results, up to one
 * in words.
 */
export function toolLoops(exchanges: Map<string, Exchange>): Exchange[][] {
  const next = new Map<string, Exchange>()
  for (const exchange of exchanges.values()) {
    if (exchange.follows !== null && exchange.request?.messages.at(-1)?.role === 'tool')
      next.set(exchange.follows, exchange)
  }
  const answersTools = new Set([...next.values()].map(({ id }) => id))
  const loops = [...next.keys()]
    .filter((id) => !answersTools.has(id))
    .map((id) => {
      const loop: Exchange[] = []
      for (let step = exchanges.get(id); step; step = next.get(step.id)) loop.push(step)
      return loop
    })
  return loops.filter(
    (loop) => loop.every(({ request }) => request) && loop.at(-1)?.expected.tool_calls.length === 0,
  )
}

/** The answer as the server sent it, or made over into the other form (then it proves nothing about framing). */
export function answerOf(exchange: Exchange, form: 'stream' | 'body'): { contentType: string; text: string } {
  if (form === 'stream') return { contentType: 'text/event-stream', text: exchange.sse ?? streamOf(exchange) }
  return {
    contentType: 'application/json',
    text: JSON.stringify(exchange.stream ? bodyOf(exchange) : exchange.body),
  }
}

function messageOf({ expected }: Exchange) {
  const calls = expected.tool_calls.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function',
    function: { name, arguments: args },
  }))
  return {
    role: 'assistant',
    content: expected.text === '' ? null : expected.text,
    ...(expected.reasoning === null ? {} : { reasoning_content: expected.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

function bodyOf(exchange: Exchange) {
  const { finish_reason, usage } = exchange.expected
  return {
    id: 'made',
    model: 'made',
    choices: [{ index: 0, message: messageOf(exchange), finish_reason }],
    usage,
  }
}

function streamOf(exchange: Exchange): string {
  const { finish_reason, usage } = exchange.expected
  const { tool_calls, ...words } = messageOf(exchange)
  const deltas = [words, ...(tool_calls ?? []).map((call, index) => ({ tool_calls: [{ index, ...call }] }))]
  const chunks = [
    ...deltas.map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] })),
    { choices: [{ index: 0, delta: {}, finish_reason }], usage },
  ]
  return [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]']
    .map((data) => `data: ${data}\n\n`)
    .join('')
}
