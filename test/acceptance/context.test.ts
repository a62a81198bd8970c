import {
  attachment,
  createApp,
  currentTime,
  OpenSession,
  scriptedProvider,
  summarize,
  textOf,
  usageSoFar,
  userInfo,
  type AppOptions,
  type ModelRequest,
} from 'busline'
import { expect, test } from 'vitest'

const usage = { inputTokens: 100, outputTokens: 10, totalTokens: 110 }

/** An app whose model answers `answer N`, and what it was asked. */
function talking(options: AppOptions) {
  const requests: ModelRequest[] = []
  let answers = 0
  const provider = scriptedProvider(
    Array.from({ length: 20 }, () => (request: ModelRequest) => {
      requests.push(request)
      return { text: `answer ${++answers}`, usage }
    }),
  )
  return { app: createApp({ provider, model: 'gpt-4o-mini', ...options }), requests }
}

test('rows 72 and 81: time, user and usage stand in the system prompt once, replaced and not appended', async () => {
  const { app, requests } = talking({
    systemPrompt: 'Be brief.',
    context: { providers: [currentTime({ timeZone: 'UTC' }), userInfo({ name: 'Ada' }), usageSoFar()] },
    now: () => Date.UTC(2026, 0, 2, 3, 4),
  })
  const chat = app.chat('s1')
  for (const text of ['one', 'two']) await chat.send(text)
  const prompts = requests.map(({ messages }) => messages.filter(({ role }) => role === 'system').map(textOf))
  for (const [prompt = '', ...others] of prompts) {
    expect(others).toEqual([])
    expect(prompt.match(/Be brief\./g)).toHaveLength(1)
    expect(prompt.match(/2026-01-02/g)).toHaveLength(1)
    expect(prompt.match(/Ada/g)).toHaveLength(1)
  }
  expect(prompts[1]?.[0]).toContain('110')
  const { systemPrompt, messages } = await app.bus.execute(OpenSession, { id: 's1' })
  expect(systemPrompt).toBe('Be brief.')
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
  await app.stop()
})

test('row 78: on overflow the oldest exchanges are summarized by a model call, which the turn counts', async () => {
  const { app, requests } = talking({ context: { strategy: summarize({ maxTokens: 120, keep: 1 }) } })
  const chat = app.chat('s1')
  const filler = 'Tell me more about the lighthouse, please. '.repeat(4)
  const results = []
  for (const n of [1, 2, 3, 4]) results.push(await chat.send(`${n}: ${filler}`))
  const summarizing = results.filter((turn) => turn.usage?.calls === 2)
  expect(summarizing.length).toBeGreaterThan(0)
  expect(requests).toHaveLength(4 + summarizing.length)
  for (const { usage: used } of summarizing) expect(used?.totalTokens).toBe(220)

  const { messages } = await app.bus.execute(OpenSession, { id: 's1' })
  expect(messages.filter(({ meta }) => meta?.kind === 'summary').length).toBeGreaterThan(0)
  expect(messages.filter(({ meta }) => meta?.archived).length).toBeGreaterThan(0)
  expect(results.at(-1)?.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
  await app.stop()
})

test('row 88: text files and images go along with a turn as parts of its message', async () => {
  const { app, requests } = talking({})
  const pixel = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  const long = 'All work and no play. '.repeat(2000)
  await app.chat('s1').send('What are these?', {
    attachments: [
      await attachment({ name: 'notes.txt', bytes: Buffer.from(long) }, { maxTokens: 100 }),
      await attachment({ name: 'pixel.png', bytes: pixel }),
    ],
  })
  const content = requests[0]?.messages.at(-1)?.content
  expect(content).toMatchObject([
    { type: 'text', text: 'What are these?' },
    { type: 'text', text: expect.stringContaining('notes.txt') },
    { type: 'image_url', image_url: { url: expect.stringMatching(/^data:image\/png;base64,/) } },
  ])
  expect(JSON.stringify(content).length).toBeLessThan(1500)
  await app.stop()
})
