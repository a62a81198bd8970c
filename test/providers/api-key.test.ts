import { BuslineError, CallModel, memoryJournal, MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { openaiProvider } from '../../src/providers/openai-provider.ts'
import { ask, question } from './fixtures/ask.ts'
import { chatServer, says, sendJson } from './fixtures/chat-server.ts'

const keys: Record<string, string> = { ada: 'sk-canary-ada-0123', bob: 'sk-canary-bob-4567' }

function tenantOf(context: Readonly<Record<string, unknown>>): string {
  return String(context['tenant'])
}

test('each call goes with the key of its own tenant, and no key is in journal, events or errors', async () => {
  await using server = await chatServer((response, number, { headers }) =>
    number === 3
      ? sendJson(response, 401, { error: { message: `Bad key: ${headers.authorization}` } })
      : sendJson(response, 200, says(`you are ${headers.authorization}`)),
  )
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  const asked: string[] = []
  bus.attach(
    openaiProvider({
      baseURL: server.url,
      model: 'm',
      apiKey: async ({ context }) => {
        asked.push(tenantOf(context))
        return Promise.resolve(keys[tenantOf(context)])
      },
    }),
  )
  const seen: unknown[] = []
  bus.tap((record) => void seen.push(record))

  for (const tenant of ['ada', 'bob']) await bus.execute(CallModel, question, { context: { tenant } })
  const error: unknown = await bus
    .execute(CallModel, question, { context: { tenant: 'ada' } })
    .catch((thrown: unknown) => thrown)
  await bus.stop()

  expect(asked).toEqual(['ada', 'bob', 'ada'])
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${keys['ada']}`,
    `Bearer ${keys['bob']}`,
    `Bearer ${keys['ada']}`,
  ])
  expect(error).toMatchObject({
    code: 'AUTHENTICATION_FAILED',
    data: { message: 'Bad key: Bearer [secret]' },
  })
  const shown = `${error instanceof Error ? error.stack : ''}${JSON.stringify([error, seen])}${journal.lines.join('')}`
  expect(shown).toContain('[secret]')
  expect(shown).not.toContain('sk-canary')
})

test('a function without an answer means no key, which is an error where one is needed', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, says('hi')))
  await ask({ baseURL: server.url, apiKey: () => undefined })
  expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
  expect((await ask({ apiKey: () => '' })).error?.code).toBe('AUTHENTICATION_FAILED')
})

test('a function that fails is an error without what it said, unless it is a coded one', async () => {
  const broken = await ask({ apiKey: () => Promise.reject(new TypeError('no vault for sk-canary')) })
  expect(broken.error).toMatchObject({
    code: 'AUTHENTICATION_FAILED',
    message: expect.stringContaining('failed with TypeError'),
  })
  expect(JSON.stringify([broken.error, String(broken.error?.cause)])).not.toContain('canary')
  const denied = new BuslineError('PERMISSION_DENIED', 'This tenant has no model.')
  const refused = await ask({
    apiKey: () => {
      throw denied
    },
  })
  expect(refused.error).toBe(denied)
})

test('a cancel does not wait for a slow vault', async () => {
  const controller = new AbortController()
  const { error } = await ask(
    {
      apiKey: async () => {
        controller.abort()
        return new Promise<string>(() => undefined)
      },
    },
    { execute: { signal: controller.signal } },
  )
  expect(error?.code).toBe('CANCELLED')
})

test('a function that returns no string is a coded error without what it returned', async () => {
  for (const [json, kind] of [
    ['42', 'number'],
    ['["sk-canary"]', 'a list'],
    ['{"key":"sk-canary"}', 'object'],
  ]) {
    const { error } = await ask({ baseURL: 'http://127.0.0.1:9', apiKey: () => JSON.parse(String(json)) })
    expect(error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining(String(kind)),
    })
    expect(error?.message).not.toContain('canary')
  }
})
