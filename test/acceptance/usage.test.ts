import {
  CallModel,
  createApp,
  defineTool,
  ModelAnswer,
  OpenSession,
  outputSchema,
  PRICES,
  readJournal,
  ReadUsage,
  RunTurn,
  TurnResult,
  type PriceTable,
  type UsageMeterOptions,
} from 'busline'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { chatServer, type Served, type ServedRequest } from '../usage/chat-server.ts'

const PRICED: PriceTable = {
  ...PRICES,
  models: [{ match: 'm', input: 1, cachedInput: 0.1, output: 2 }],
}
const tenant: UsageMeterOptions['tenant'] = ({ context }) =>
  typeof context['tenant'] === 'string' ? context['tenant'] : undefined

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  parameters: z.object({ at: z.string() }),
  run: ({ at }) => `seen ${at}`,
})

/** Calls the tool first, then answers in words; each request takes as many tokens as the session's number says. */
function answer(request: ServedRequest): Served {
  const size = Number(JSON.stringify(request.messages[0]).match(/\d+/)?.[0] ?? 1)
  if (request.messages.at(-1)?.role === 'tool') return { text: 'done', input: 10 * size, output: size }
  return {
    call: { name: 'look', arguments: { at: 'it' } },
    input: 7 * size,
    output: 3 * size,
    cached: 2 * size,
  }
}

describe('row 72: tokens, calls and dollars', () => {
  test('sum exactly by session and by tenant, with turns of four sessions at once, streamed and plain', async () => {
    for (const stream of [true, false]) {
      await using server = await chatServer(answer)
      const app = createApp({
        model: 'm',
        apiKey: 'test-key-1234',
        baseURL: server.url,
        stream,
        tools: [look],
        usage: { prices: PRICED, tenant },
      })
      const turn = async (size: number): Promise<TurnResult> => {
        const who = { tenant: size % 2 === 0 ? 'even' : 'odd' }
        return await app.chat(`s${size}`).send(`number ${size}`, { context: who })
      }
      const results = await Promise.all([1, 2, 3, 4].map(turn))

      // A turn of size n: (7n + 3n, of it 2n cached) and (10n + n).
      for (const [index, result] of results.entries()) {
        const n = index + 1
        const usage = {
          inputTokens: 17 * n,
          outputTokens: 4 * n,
          totalTokens: 21 * n,
          cachedTokens: 2 * n,
          calls: 2,
        }
        const cost = (15 * n + 0.2 * n + 8 * n) / 1e6
        expect(result.usage).toEqual(usage)
        expect(result.cost).toBeCloseTo(cost, 12)
        expect(await app.bus.session(`s${n}`).execute(ReadUsage, {})).toEqual({
          usage,
          cost: Math.round(cost * 1e12) / 1e12,
          unpriced: 0,
        })
      }
      const even = await app.bus.execute(ReadUsage, { tenant: 'even' })
      expect(even).toMatchObject({ usage: { totalTokens: 21 * 6, calls: 4 }, cost: 139.2e-6, unpriced: 0 })
      const odd = await app.bus.execute(ReadUsage, { tenant: 'odd' })
      expect(odd).toMatchObject({ usage: { totalTokens: 21 * 4, calls: 4 }, cost: 92.8e-6, unpriced: 0 })
      await app.stop()
    }
  })

  test('of a session survive a restart, and equal what its journal says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'busline-usage-'))
    try {
      await using server = await chatServer(answer)
      const open = (run: number) => {
        const app = createApp({
          model: 'm',
          apiKey: 'test-key-1234',
          baseURL: server.url,
          tools: [look],
          sessions: join(folder, 'sessions'),
          journal: join(folder, `${run}.jsonl`),
          usage: { prices: PRICED },
        })
        return app
      }
      const first = open(1)
      await first.chat('s').send('number 1')
      await first.chat('s').send('number 1')
      const before = await first.bus.session('s').execute(ReadUsage, {})
      await first.stop()
      let journalled = 0
      for await (const { kind, type, output } of readJournal(join(folder, '1.jsonl'))) {
        if (kind === 'result' && type === CallModel.type)
          journalled += ModelAnswer.parse(output).usage?.totalTokens ?? 0
      }

      const second = open(2)
      expect(await second.bus.session('s').execute(ReadUsage, {})).toEqual(before)
      expect(before).toMatchObject({ usage: { totalTokens: journalled, calls: 4 } })
      await second.stop()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a budget that is used up ends the turn with a typed error, and nothing more is sent', async () => {
    await using server = await chatServer(answer)
    const app = createApp({
      model: 'm',
      apiKey: 'test-key-1234',
      baseURL: server.url,
      tools: [look],
      usage: { prices: PRICED, budgets: { session: { maxTokens: 21 } } },
    })
    const chat = app.chat('s')
    expect(await chat.send('number 1')).toMatchObject({ reply: 'done' })
    await expect(chat.send('number 1')).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: { scope: 'session', id: 's', limit: 'maxTokens', value: 21, max: 21 },
    })
    expect(server.requests).toHaveLength(2)
    expect(await app.chat('other').send('number 1')).toMatchObject({ reply: 'done' })
    await app.stop()
  })
})

describe('row 63: every declared field', () => {
  test.each([true, false])(
    'of an answer and of a turn is set over a real server (stream %s)',
    async (stream) => {
      await using server = await chatServer(() => ({
        text: '{"ok":true}',
        input: 30,
        output: 12,
        cached: 4,
        reasoning: 5,
      }))
      const app = createApp({
        model: 'm',
        apiKey: 'test-key-1234',
        baseURL: server.url,
        stream,
        usage: { prices: PRICED },
      })
      const schema = outputSchema(z.object({ ok: z.boolean() }))
      using session = app.bus.session('s')
      const answered = await session.execute(CallModel, {
        model: 'm',
        messages: [{ role: 'user', content: 'hi' }],
        tools: [],
        schema,
      })
      expect(Object.keys(ModelAnswer.shape).filter((field) => !(field in answered))).toEqual([])
      expect(answered).toMatchObject({
        finishReason: 'stop',
        model: 'm',
        usage: { inputTokens: 30, outputTokens: 12, totalTokens: 42, cachedTokens: 4, reasoningTokens: 5 },
        rawUsage: { prompt_tokens: 30, prompt_tokens_details: { cached_tokens: 4 } },
        cost: 50.4e-6,
        output: { ok: true },
        response: {
          id: 'chatcmpl-0',
          requestId: 'req_0',
          created: 1_780_000_000_000,
          fingerprint: 'fp_1',
          serviceTier: 'default',
        },
      })
      const result = await session.execute(RunTurn, { text: 'hi', schema })
      // Warnings are for turns that have some.
      const missing = Object.keys(TurnResult.shape).filter((field) => !(field in result))
      expect(missing.filter((field) => field !== 'warnings')).toEqual([])
      expect(result).toMatchObject({ model: 'm', cost: 50.4e-6, output: { ok: true }, reply: '{"ok":true}' })
      const opened = await session.execute(OpenSession, {})
      expect(opened.messages.at(-1)?.meta).toMatchObject({
        usage: { calls: 1, totalTokens: 42 },
        cost: 50.4e-6,
        model: 'm',
      })
      await app.stop()
    },
  )
})
