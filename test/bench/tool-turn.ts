import { join } from 'node:path'
import { createApp, defineTool, OpenSession, UpdateSession } from 'busline'
import OpenAI from 'openai'
import * as z from 'zod'
import { quick, time } from './measure.ts'
import { single, type Table } from './table.ts'
import { temporaryFolder } from './temporary.ts'
import { withServer } from './with-server.ts'

const QUESTION = "What's the weather in San Francisco, CA?"
const TURNS = quick ? 10 : 200
const parameters = z.object({ location: z.string(), unit: z.enum(['celsius', 'fahrenheit']) })
const weatherOf = (location: string) => ({
  location,
  temperature: 18,
  unit: 'celsius',
  conditions: 'sunny',
  simulated: true,
})
const description = 'Get the current weather of a place.'

/** How a turn is measured: against the server at `url`, streamed or not. */
type Turn = (url: string, stream: boolean) => Promise<number>

const TURN_CASES: Readonly<Record<string, Turn>> = {
  'openai, hand-written loop': bareLoop,
  'busline, no journal, sessions in memory': (url, stream) => ours(url, stream, undefined),
  'busline, journal and session files': (url, stream) => onDisk(url, stream, 'new'),
  // The first change of a session makes its tail file; what that costs depends on the file system.
  'busline, the same, tail file there already': (url, stream) => onDisk(url, stream, 'begun'),
}

/** Milliseconds of a two-step tool turn (ask, call, ask again) against a server in another process. */
export const tables: readonly Table[] = ['plain', 'stream'].map((variant) => ({
  head: `two-step tool turn, ${variant}`,
  columns: ['ms'],
  cases: single(
    Object.fromEntries(
      Object.entries(TURN_CASES).map(([name, turn]) => [
        name,
        () => withServer((url) => turn(url, variant === 'stream')),
      ]),
    ),
  ),
}))

async function onDisk(url: string, stream: boolean, sessions: 'new' | 'begun'): Promise<number> {
  const { folder, remove } = temporaryFolder()
  const milliseconds = await ours(url, stream, { folder, sessions })
  remove()
  return milliseconds
}

async function ours(
  url: string,
  stream: boolean,
  disk: { folder: string; sessions: 'new' | 'begun' } | undefined,
): Promise<number> {
  const weather = defineTool({
    name: 'get_weather',
    description,
    parameters,
    run: ({ location }) => weatherOf(location),
  })
  await using app = createApp({
    baseURL: url,
    model: 'gpt-4o-mini',
    tools: [weather],
    stream,
    ...(disk && { journal: join(disk.folder, 'bench.jsonl'), sessions: join(disk.folder, 'sessions') }),
  })
  // Each turn is the first of its session, like each of the bare loop; making the file is not part of a turn.
  const ids = Array.from({ length: TURNS * 2 }, (_, index) => `s${index}`)
  for (const id of ids) {
    await app.bus.execute(OpenSession, { id })
    if (disk?.sessions === 'begun') await app.bus.session(id).execute(UpdateSession, { name: 'bench' })
  }
  return await time(TURNS, async (index) => {
    const { reply } = await app.chat(ids[index + TURNS / 2] ?? '').send(QUESTION)
    if (!reply.includes('San Francisco')) throw new Error(`unexpected: ${reply}`)
  })
}

type Params = OpenAI.ChatCompletionMessageParam

async function bareLoop(url: string, stream: boolean): Promise<number> {
  const client = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0 })
  const { $schema: _dialect, ...schema } = z.toJSONSchema(parameters)
  const request = {
    model: 'gpt-4o-mini',
    tools: [
      { type: 'function' as const, function: { name: 'get_weather', description, parameters: schema } },
    ],
  }
  const ask = async (messages: Params[]): Promise<OpenAI.ChatCompletionMessage> => {
    if (stream)
      return assembled(
        await client.chat.completions.create({
          ...request,
          messages,
          stream: true,
          stream_options: { include_usage: true },
        }),
      )
    const completion = await client.chat.completions.create({ ...request, messages })
    const message = completion.choices[0]?.message
    if (!message) throw new Error('no answer')
    return message
  }
  return await time(TURNS, async () => {
    const messages: Params[] = [{ role: 'user', content: QUESTION }]
    for (;;) {
      const message = await ask(messages)
      messages.push(message)
      if (!message.tool_calls?.length) {
        if (!message.content?.includes('San Francisco')) throw new Error('unexpected answer')
        return
      }
      for (const call of message.tool_calls) {
        if (call.type !== 'function') continue
        const { location } = parameters.parse(JSON.parse(call.function.arguments))
        messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(weatherOf(location)) })
      }
    }
  })
}

async function assembled(
  chunks: AsyncIterable<OpenAI.ChatCompletionChunk>,
): Promise<OpenAI.ChatCompletionMessage> {
  let content = ''
  const calls: OpenAI.ChatCompletionMessageFunctionToolCall[] = []
  for await (const chunk of chunks) {
    const delta = chunk.choices[0]?.delta
    content += delta?.content ?? ''
    for (const { index, id = '', function: part } of delta?.tool_calls ?? []) {
      const call = (calls[index] ??= { id, type: 'function', function: { name: '', arguments: '' } })
      call.function.name ||= part?.name ?? ''
      call.function.arguments += part?.arguments ?? ''
    }
  }
  return { role: 'assistant', content, refusal: null, ...(calls.length > 0 ? { tool_calls: calls } : {}) }
}
