import {
  BuslineError,
  CallModel,
  MessageBus,
  ModelReasoningReceived,
  ModelTextReceived,
  ModelToolCallStarted,
  type ExecuteOptions,
  type ModelAnswer,
  type ModelRequest,
} from 'busline'
import { anthropicProvider, type AnthropicProviderOptions } from 'busline/anthropic'
import type { ServerResponse } from 'node:http'
import { sse } from '../contract/messages-wire.ts'

/** One model call as its caller and its listeners saw it. */
export interface Asked {
  answer: ModelAnswer | undefined
  error: BuslineError | undefined
  texts: string[]
  reasonings: string[]
  started: { call: string; name: string }[]
}

/** Asks once through a real bus, with a key and a model where the options name none. */
export async function askAnthropic(
  options: AnthropicProviderOptions,
  {
    request,
    execute,
    onText,
  }: { request?: Partial<ModelRequest>; execute?: ExecuteOptions; onText?: () => void } = {},
): Promise<Asked> {
  const asked: Asked = { answer: undefined, error: undefined, texts: [], reasonings: [], started: [] }
  const bus = new MessageBus()
  bus.attach(anthropicProvider({ model: 'claude-test', apiKey: 'sk-ant-canary-1', ...options }))
  bus.on(ModelTextReceived, ({ text }) => {
    asked.texts.push(text)
    onText?.()
  })
  bus.on(ModelReasoningReceived, ({ text }) => void asked.reasonings.push(text))
  bus.on(ModelToolCallStarted, (started) => void asked.started.push(started))
  const question: ModelRequest = { model: null, messages: [{ role: 'user', content: 'hello' }], tools: [] }
  try {
    asked.answer = await bus.execute(CallModel, { ...question, ...request }, execute)
  } catch (error) {
    if (!(error instanceof BuslineError)) throw error
    asked.error = error
  } finally {
    await bus.stop()
  }
  return asked
}

export type Event = Record<string, unknown>

export const messageStart = (usage: Event = { input_tokens: 5, output_tokens: 1 }): Event => ({
  type: 'message_start',
  message: {
    id: 'msg_01',
    type: 'message',
    role: 'assistant',
    model: 'claude-real',
    content: [],
    stop_reason: null,
    usage,
  },
})

/** The events of one block: its start, its deltas, its stop. */
export const block = (index: number, start: Event, ...deltas: Event[]): Event[] => [
  { type: 'content_block_start', index, content_block: start },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]

export const textBlock = (index: number, ...pieces: string[]): Event[] =>
  block(index, { type: 'text', text: '' }, ...pieces.map((text) => ({ type: 'text_delta', text })))

export const ending = (stop = 'end_turn', usage: Event = { output_tokens: 7 }): Event[] => [
  { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage },
  { type: 'message_stop' },
]

/** Begins a stream with these events; it stays open. */
export function begin(response: ServerResponse, ...events: Event[]): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_01' })
  response.write(sse(...events))
  return response
}
