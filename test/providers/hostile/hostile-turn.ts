import type { ServerResponse } from 'node:http'
import {
  BuslineError,
  contextManager,
  defineTool,
  memorySessions,
  MessageBus,
  RunTurn,
  toolChatEngine,
  toolManager,
  type TurnResult,
} from 'busline'
import { expect } from 'vitest'
import * as z from 'zod'
import { isRecord } from '../../../src/providers/is-record.ts'
import { openaiProvider } from '../../../src/providers/openai-provider.ts'
import { chatServer, delta, sendStream } from '../fixtures/chat-server.ts'

/** A turn whose first answer was hostile, and the turn after it. */
export interface HostileTurn {
  /** Of `result` and `error` one is there. */
  result: TurnResult | undefined
  error: BuslineError | undefined
  /** Each run of a tool as `name arguments`. */
  ran: string[]
  /** The messages of the last request. */
  history: Record<string, unknown>[]
  /** What the model was told of its calls. */
  toolResults: string[]
}

/**
 * Runs a turn with real rooms and a real server whose first answers are hostile and whose later ones are `done`; then
 * another turn in the same session. Every request but the first must be valid for every provider.
 */
export async function hostileTurn(
  ...answers: ((response: ServerResponse) => unknown)[]
): Promise<HostileTurn> {
  const ran: string[] = []
  const tool = (name: string, parameters: z.ZodObject): ReturnType<typeof defineTool> =>
    defineTool({
      name,
      description: `Does ${name}.`,
      parameters,
      run: (input: unknown) => {
        ran.push(`${name} ${JSON.stringify(input)}`)
        return `${name} did it`
      },
    })
  await using server = await chatServer((response, number) => {
    const answer = answers[number - 1]
    return answer ? answer(response) : sendStream(response, delta({ content: 'done' }), delta({}, 'stop'))
  })
  const bus = new MessageBus()
  bus.attach(memorySessions())
  bus.attach(contextManager())
  bus.attach(toolManager([tool('send', z.object({ to: z.string() })), tool('ping', z.object({}))]))
  bus.attach(openaiProvider({ baseURL: server.url, model: 'm' }))
  bus.attach(toolChatEngine({ retry: { attempts: 1 } }))

  const session = bus.session('s')
  const turn: HostileTurn = { result: undefined, error: undefined, ran, history: [], toolResults: [] }
  try {
    turn.result = await session.execute(RunTurn, { text: 'go' })
  } catch (error) {
    if (!(error instanceof BuslineError)) throw error
    turn.error = error
  }
  await session.execute(RunTurn, { text: 'and now?' })
  await bus.stop()

  for (const { body } of server.requests.slice(1)) expectValid(messagesIn(body))
  turn.history = messagesIn(server.requests.at(-1)?.body ?? {})
  turn.toolResults = turn.history.flatMap(({ role, content }) =>
    role === 'tool' && typeof content === 'string' ? [content] : [],
  )
  return turn
}

/** Sends this text as a stream. */
export function sends(text: string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(text)
  }
}

/** The messages of a request. */
export function messagesIn(body: Record<string, unknown>): Record<string, unknown>[] {
  const messages = body['messages']
  return Array.isArray(messages) ? messages.filter(isRecord) : []
}

/** What the strictest servers demand of a history. */
export function expectValid(messages: readonly Record<string, unknown>[]): void {
  const seen = new Set<unknown>()
  let open: unknown[] = []
  for (const message of messages) {
    const { role, content } = message
    if (role === 'tool') {
      expect(open, 'a result belongs to a call of the answer before it').toContain(message['tool_call_id'])
      open = open.filter((id) => id !== message['tool_call_id'])
      expect(typeof content).toBe('string')
      continue
    }
    expect(open, 'each call has its result at once').toEqual([])
    const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'] : []
    if (role === 'assistant' && calls.length === 0) expect(content).toBeTypeOf('string')
    for (const call of calls) {
      const { id, type, function: about } = Object(call)
      expect(id).toMatch(/./)
      expect(seen, 'ids are unique').not.toContain(id)
      expect(type).toBe('function')
      expect(about.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
      expect(isRecord(JSON.parse(about.arguments)), 'arguments are an object').toBe(true)
      seen.add(id)
      open.push(id)
    }
  }
  expect(open, 'each call has its result').toEqual([])
}
