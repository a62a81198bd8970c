import { createApp, ModelAnswerSuperseded, outputSchema, OpenSession, ReadUsage, RunTurn } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { chatServer } from '../usage/chat-server.ts'

const City = z.object({ city: z.string(), people: z.int() })
const ROME = '{"city":"Rome","people":2800000}'

/** One turn with a schema on a server that gives these answers, one after another. */
async function turn(stream: boolean, ...texts: string[]) {
  await using server = await chatServer((_request, nth) => ({
    text: texts[nth] ?? '',
    input: 100,
    output: 10,
  }))
  const app = createApp({ model: 'gpt-4o-mini', apiKey: 'test-key-1234', baseURL: server.url, stream })
  using session = app.bus.session('s')
  const superseded: string[] = []
  session.on(ModelAnswerSuperseded, ({ text }) => void superseded.push(text))
  const running = session.execute(RunTurn, { text: 'Rome?', schema: outputSchema(City) })
  const [outcome] = await Promise.allSettled([running])
  const totals = await session.execute(ReadUsage, {})
  const { messages } = await session.execute(OpenSession, {})
  await app.stop()
  return { outcome, totals, messages, superseded, sent: server.requests.length }
}

describe.each([true, false])('row 57: structured output (stream %s)', (stream) => {
  const output = { city: 'Rome', people: 2_800_000 }

  test('valid', async () => {
    const { outcome, sent } = await turn(stream, ROME)
    expect(outcome).toMatchObject({ value: { output, reply: ROME, usage: { calls: 1 } } })
    expect(sent).toBe(1)
  })

  test('fenced', async () => {
    const { outcome, sent } = await turn(stream, `Here you are:\n\`\`\`json\n${ROME}\n\`\`\``)
    expect(outcome).toMatchObject({ value: { output, reply: ROME, usage: { calls: 1 } } })
    expect(sent).toBe(1)
  })

  test('broken once, then well: both calls are counted, once each', async () => {
    const { outcome, totals, superseded, sent } = await turn(stream, '{"city":"Rome"}', ROME)
    expect(outcome).toMatchObject({ value: { output, reply: ROME, usage: { totalTokens: 220, calls: 2 } } })
    expect(totals).toMatchObject({ usage: { totalTokens: 220, calls: 2 } })
    expect(superseded).toEqual(['{"city":"Rome"}'])
    expect(sent).toBe(2)
  })

  test('broken always: a typed error with a preview', async () => {
    const { outcome, totals, sent } = await turn(stream, 'Rome is large.', 'It is very large.')
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { code: 'OUTPUT_INVALID', data: { preview: 'It is very large.', issues: [{ path: '' }] } },
    })
    expect(totals).toMatchObject({ usage: { totalTokens: 220, calls: 2 } })
    expect(sent).toBe(2)
  })
})
