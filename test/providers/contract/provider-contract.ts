// Longer than most: every sentence that each provider has to keep stands in one list.
import {
  BuslineError,
  CallModel,
  createApp,
  defineTool,
  memoryJournal,
  MessageBus,
  ModelReasoningReceived,
  ModelTextReceived,
  ModelToolCallStarted,
  type ExecuteOptions,
  type ModelAnswer,
  type ModelRequest,
  type Participant,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { ContractWorld, Step } from './script.ts'

/** What a sentence asks of a provider; one that has it not says why. */
export type Ability =
  | 'script' // answers as the script says
  | 'calls' // makes tool calls
  | 'pieces' // text arrives as it comes, calls are told while they arrive
  | 'reasoning'
  | 'ids' // call ids are the server's
  | 'forced' // can be made to call a tool
  | 'wire' // there is a server, with requests to look at and connections to lose

export interface ContractOptions {
  lacks?: Partial<Record<Ability, string>>
  /** What is asked for (default `scripted`). */
  model?: string
  /** A turn with a tool, for a model that follows no script. */
  turn?: { say: string; reply: string }
}

/**
 * Registers the tests that every provider passes. `makeWorld` gets the script, and the key that the provider is to use.
 * What a provider lacks is skipped with its reason in the name.
 */
export function providerContract(
  name: string,
  makeWorld: (steps: readonly Step[], apiKey: string) => Promise<ContractWorld> | ContractWorld,
  { lacks = {}, model = 'scripted', turn }: ContractOptions = {},
): void {
  const sentence = (needs: Ability[], title: string, run: () => Promise<void>): void => {
    const reason = needs.map((need) => lacks[need]).find((why) => why !== undefined)
    if (reason === undefined) test(title, run)
    // One line for all of them, below.
    else if (!needs.includes('script') || lacks.script === undefined) test.skip(`${title} (${reason})`, run)
  }
  const world = (...steps: Step[]): Promise<ContractWorld> | ContractWorld => makeWorld(steps, KEY)
  const ask = (provider: Participant, { request, ...options }: AskOptions = {}): Promise<Asked> =>
    askOnce(provider, { ...options, request: { model, ...request } })
  const one = async (step: Step, options?: AskOptions): Promise<Asked> => {
    await using made = await world(step)
    return await ask(made.provider, options)
  }

  describe(name, () => {
    if (lacks.script !== undefined) test.skip(`what needs a script (${lacks.script})`, () => undefined)

    test('a question gets an answer of text, told as it arrives and whole in the end', async () => {
      const { answer, texts } = await one({ text: ['hello'] })
      expect(answer?.message.role).toBe('assistant')
      expect(answer?.message.content).toMatch(/hello/i)
      expect(answer?.message.tool_calls).toBeUndefined()
      expect(texts.join('')).toBe(answer?.message.content)
    })

    sentence(['script', 'pieces'], 'each piece of text is told as it came', async () => {
      const { answer, texts } = await one({ text: ['Let', ' me ', 'see'] })
      expect(texts).toEqual(['Let', ' me ', 'see'])
      expect(answer?.message.content).toBe('Let me see')
    })

    sentence(['script', 'wire'], 'fields and events that nobody knows do no harm', async () => {
      // Both wires send some with each answer.
      expect((await one({ text: ['plain'] })).answer?.message).toEqual({
        role: 'assistant',
        content: 'plain',
      })
    })

    sentence(['script', 'reasoning'], 'reasoning is told apart from the text', async () => {
      const { answer, texts, reasonings } = await one({ reasoning: ['h', 'm'], text: ['yes'] })
      expect(reasonings.join('')).toBe('hm')
      expect(texts.join('')).toBe('yes')
      expect(answer?.message.content).toBe('yes')
    })

    sentence(['script', 'calls'], 'one call arrives with its name and its arguments joined', async () => {
      const { answer } = await one({ toolCalls: [call('callaaaa1', 'look', '{"at":', '"x"', '}')] })
      expect(callsOf(answer)).toEqual([['look', { at: 'x' }]])
      expect(answer?.finishReason).toBe('tool_calls')
    })

    sentence(['script', 'calls'], 'parallel calls stay apart and in order, beside text', async () => {
      const { answer } = await one({
        text: ['Both.'],
        toolCalls: [call('callaaaa1', 'look', '{"at":"x"}'), call('callaaaa2', 'look', '{"at":', '"y"}')],
      })
      expect(callsOf(answer)).toEqual([
        ['look', { at: 'x' }],
        ['look', { at: 'y' }],
      ])
      expect(answer?.message.content).toBe('Both.')
    })

    sentence(['script', 'calls', 'pieces'], 'a call is told when it begins', async () => {
      const { started } = await one({ toolCalls: [call('callaaaa1', 'look', '{}')] })
      expect(started).toEqual([{ call: 'callaaaa1', name: 'look' }])
    })

    sentence(['script', 'calls', 'ids'], "a call's id is the server's", async () => {
      const { answer } = await one({
        toolCalls: [call('callaaaa1', 'look', '{}'), call('callaaaa2', 'look', '{}')],
      })
      expect(answer?.message.tool_calls?.map(({ id }) => id)).toEqual(['callaaaa1', 'callaaaa2'])
    })

    sentence(['script'], 'a finish reason is told in the same words', async () => {
      for (const finishReason of ['stop', 'length', 'content_filter'] as const) {
        expect((await one({ text: ['hm'], finishReason })).answer?.finishReason).toBe(finishReason)
      }
    })

    sentence(
      ['script'],
      'usage is told in the same words, what was cached as a part of the input',
      async () => {
        const { answer } = await one({ text: ['hm'], usage: { input: 10, output: 3, cached: 4 } })
        expect(answer?.usage).toMatchObject({
          inputTokens: 10,
          outputTokens: 3,
          totalTokens: 13,
          cachedTokens: 4,
        })
      },
    )

    sentence(
      ['script', 'wire'],
      'an answer that is cut is an error that holds its text, never an answer',
      async () => {
        const steps: Step[] = [{ text: ['half'] }, { toolCalls: [call('callaaaa1', 'look', '{"at":"x"}')] }]
        for (const step of steps) {
          const { answer, error, texts } = await one({ ...step, ends: 'cut' })
          expect(answer).toBeUndefined()
          expect(error?.code).toBe('ANSWER_CUT')
          expect(error?.data['text']).toBe(texts.join(''))
        }
      },
    )

    sentence(['script', 'wire'], 'each status has its code, and stands in the data', async () => {
      for (const [status, code] of STATUSES) {
        const { error } = await one({ error: { status, message: 'scripted trouble' } })
        expect([status, error?.code]).toEqual([status, code])
        expect(error?.data['status']).toBe(status)
        expect(error?.message).toContain('scripted trouble')
      }
    })

    sentence(['script', 'wire'], 'what a server asks to wait for is told in milliseconds', async () => {
      const { error } = await one({ error: { status: 429, message: 'slow down', retryAfter: '90' } })
      expect(error).toMatchObject({ code: 'RATE_LIMITED', data: { retryAfter: 90_000 } })
    })

    sentence(['script', 'wire', 'pieces'], 'a cancel keeps the text and closes the connection', async () => {
      await using made = await world({ text: ['half'], ends: 'stall' })
      const controller = new AbortController()
      const { answer, error } = await ask(made.provider, {
        execute: { signal: controller.signal },
        onText: () => controller.abort(),
      })
      expect(answer).toBeUndefined()
      expect(error).toMatchObject({ code: 'CANCELLED', data: { text: 'half' } })
      await made.wire?.closed
    })

    sentence(['script', 'wire'], 'a timeout ends the call and closes the connection', async () => {
      await using made = await world({ text: ['hm'] }, { text: ['half'], ends: 'stall' })
      // What is loaded with the first call may take longer than the timeout.
      await ask(made.provider)
      const { error } = await ask(made.provider, { execute: { timeout: 300 } })
      expect(error?.code).toBe('TIMED_OUT')
      await made.wire?.closed
    })

    sentence(
      ['script', 'wire'],
      'the key goes to the server, and into no error, event or record',
      async () => {
        await using made = await world({ error: { status: 401, message: `no such key: ${KEY}` } })
        const { error, shown } = await ask(made.provider)
        expect(made.wire?.seen[0]?.key).toContain(KEY)
        expect(error?.code).toBe('AUTHENTICATION_FAILED')
        expect(error?.message).toContain('no such key: [secret]')
        expect(`${error?.stack}${JSON.stringify(error)}${shown}`).not.toContain(KEY)
      },
    )

    sentence(['script', 'wire'], 'tools, their choice and limits reach the server', async () => {
      await using made = await world({ text: ['hm'] }, { text: ['hm'] }, { text: ['hm'] })
      const tools = [described('look'), described('find')]
      await ask(made.provider, { request: { tools, maxTokens: 77, stop: ['END'], toolChoice: 'auto' } })
      await ask(made.provider, { request: { tools, toolChoice: 'none' } })
      expect(made.wire?.seen).toMatchObject([
        { tools: ['look', 'find'], toolChoice: 'auto', maxTokens: 77, stop: ['END'], problems: [] },
        { toolChoice: 'none' },
      ])
    })

    sentence(['script', 'wire', 'forced'], 'a call can be forced, of any tool or of one', async () => {
      await using made = await world({ text: ['hm'] }, { text: ['hm'] })
      const tools = [described('look'), described('find')]
      await ask(made.provider, { request: { tools, toolChoice: 'required' } })
      await ask(made.provider, { request: { tools, toolChoice: { name: 'look' } } })
      expect(made.wire?.seen).toMatchObject([
        { toolChoice: 'required', problems: [] },
        { toolChoice: { name: 'look' } },
      ])
    })

    sentence(
      ['script', 'calls', 'wire'],
      'a loop goes on with other tools, none, and another system prompt',
      async () => {
        await using made = await world(
          { reasoning: ['hm'], toolCalls: [call('callaaaa1', 'look', '{"at":"x"}')] },
          { text: ['more'] },
          { text: ['none'] },
          { text: ['later'] },
        )
        const tools = [described('look')]
        const begin: ModelRequest['messages'] = [{ role: 'user', content: 'Look!' }]
        const { answer } = await ask(made.provider, { request: { messages: begin, tools } })
        if (!answer) throw new Error('The first step has no answer.')
        const result = { role: 'tool' as const, tool_call_id: 'callaaaa1', content: 'dark' }
        const messages = [...begin, answer.message, result]
        const noon = { role: 'system' as const, content: 'It is noon.' }
        const replies = [
          await ask(made.provider, { request: { messages, tools: [...tools, described('find')] } }),
          await ask(made.provider, { request: { messages, tools: [] } }),
          await ask(made.provider, { request: { messages: [noon, ...messages], tools } }),
        ]
        expect(replies.map((reply) => reply.error ?? reply.answer?.message.content)).toEqual([
          'more',
          'none',
          'later',
        ])
        for (const { problems } of made.wire?.seen ?? []) expect(problems).toEqual([])
      },
    )

    sentence(['script', 'calls'], 'a turn that reaches its limit of steps ends in an answer', async () => {
      await using made = await world(
        { reasoning: ['hm'], toolCalls: [call('callaaaa1', 'look', '{"at":"x"}')] },
        { text: ['That is all.'] },
      )
      await using app = createApp({ provider: made.provider, model, tools: [look], maxSteps: 1 })
      expect((await app.chat().send('Look!')).reply).toBe('That is all.')
    })

    sentence(
      ['script', 'calls', 'wire'],
      'names that a server refuses are mapped, there and back',
      async () => {
        const tool = described('places.find all')
        await using first = await world({ text: ['hm'] })
        await ask(first.provider, { request: { tools: [tool] } })
        const sent = first.wire?.seen[0]?.tools[0] ?? ''
        expect(sent).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
        expect(first.wire?.seen[0]?.problems).toEqual([])

        const { answer } = await one(
          { toolCalls: [call('callaaaa1', sent, '{}')] },
          { request: { tools: [tool] } },
        )
        expect(callsOf(answer)).toEqual([['places.find all', {}]])
      },
    )

    sentence(
      ['script', 'calls'],
      'a turn with tools works, and leaves a history that the server takes',
      async () => {
        await using made = await world(
          {
            reasoning: ['Two places.'],
            text: ['Looking.'],
            toolCalls: [call('callaaaa1', 'look', '{"at":"x"}'), call('callaaaa2', 'look', '{"at":"y"}')],
          },
          { text: ['x is dark, ', 'y is bright.'] },
          { text: ['Bye.'] },
        )
        const journal = memoryJournal()
        await using app = createApp({
          provider: made.provider,
          model,
          systemPrompt: 'Be brief.',
          tools: [look],
          journal,
        })
        const chat = app.chat()
        const result = await chat.send('What is at x and y?')
        expect(result).toMatchObject({ reply: 'x is dark, y is bright.', steps: 2, finishReason: 'stop' })
        expect(result.toolCalls.map(({ name: called, result: got }) => [called, got])).toEqual([
          ['look', { at: 'x', light: 0 }],
          ['look', { at: 'y', light: 1 }],
        ])
        expect((await chat.send('Thanks')).reply).toBe('Bye.')
        expect(journal.lines.join('')).not.toContain(KEY)

        const { seen } = made.wire ?? {}
        if (!seen) return
        expect(seen.map(({ problems }) => problems)).toEqual([[], [], []])
        expect(seen[2]).toMatchObject({
          system: 'Be brief.',
          calls: [
            { id: 'callaaaa1', name: 'look', arguments: { at: 'x' } },
            { id: 'callaaaa2', name: 'look', arguments: { at: 'y' } },
          ],
        })
        expect(seen[2]?.results.map(({ id, text }) => [id, JSON.parse(text)])).toEqual([
          ['callaaaa1', { at: 'x', light: 0 }],
          ['callaaaa2', { at: 'y', light: 1 }],
        ])
      },
    )

    if (turn) {
      test('a turn ends with a reply', async () => {
        await using made = await world()
        await using app = createApp({ provider: made.provider, tools: [calculate] })
        expect((await app.chat().send(turn.say)).reply).toContain(turn.reply)
      })
    }
  })
}

const KEY = 'sk-canary-0123456789'

const STATUSES = [
  [400, 'INVALID_REQUEST'],
  [401, 'AUTHENTICATION_FAILED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'INVALID_REQUEST'],
  [413, 'INVALID_REQUEST'],
  [429, 'RATE_LIMITED'],
  [500, 'PROVIDER_FAILED'],
  [503, 'MODEL_UNAVAILABLE'],
] as const

const look = defineTool({
  name: 'look',
  description: 'Looks at a place.',
  parameters: z.object({ at: z.string() }),
  run: ({ at }) => ({ at, light: at === 'x' ? 0 : 1 }),
})

const calculate = defineTool({
  name: 'calculate',
  description: 'Calculates.',
  parameters: z.object({ expression: z.string() }),
  run: () => 42,
})

function described(name: string): ModelRequest['tools'][number] {
  return { name, description: `Does ${name}.`, parameters: { type: 'object', properties: {} } }
}

/** Ids of nine letters and digits pass the strictest server as they are. */
function call(id: string, name: string, ...pieces: string[]): NonNullable<Step['toolCalls']>[number] {
  return { id, name, arguments: pieces }
}

function callsOf(answer: ModelAnswer | undefined): [string, unknown][] {
  const calls = answer?.message.tool_calls ?? []
  return calls.map(({ function: { name, arguments: text } }) => [name, JSON.parse(text)])
}

interface Asked {
  answer: ModelAnswer | undefined
  error: BuslineError | undefined
  texts: string[]
  reasonings: string[]
  started: { call: string; name: string }[]
  /** All that subscribers and the journal got. */
  shown: string
}

interface AskOptions {
  request?: Partial<ModelRequest>
  execute?: ExecuteOptions
  onText?: () => void
}

async function askOnce(provider: Participant, options: AskOptions): Promise<Asked> {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  const asked: Asked = {
    answer: undefined,
    error: undefined,
    texts: [],
    reasonings: [],
    started: [],
    shown: '',
  }
  const heard: unknown[] = []
  bus.attach(provider)
  bus.on('**', (data) => void heard.push(data))
  bus.on(ModelTextReceived, ({ text }) => {
    asked.texts.push(text)
    options.onText?.()
  })
  bus.on(ModelReasoningReceived, ({ text }) => void asked.reasonings.push(text))
  bus.on(ModelToolCallStarted, (started) => void asked.started.push(started))
  const question: ModelRequest = {
    model: 'scripted',
    messages: [{ id: 'm1', turn: 't1', role: 'user', content: 'hello' }],
    tools: [],
  }
  try {
    asked.answer = await bus.execute(CallModel, { ...question, ...options.request }, options.execute)
  } catch (error) {
    if (!(error instanceof BuslineError)) throw error
    asked.error = error
  } finally {
    await bus.stop()
  }
  asked.shown = JSON.stringify(heard) + journal.lines.join('')
  return asked
}
