import {
  createApp,
  memoryJournal,
  openaiProvider,
  rateLimit,
  ReadUsage,
  RunTurn,
  scriptedProvider,
  type Scope,
  type UsageMeterOptions,
} from 'busline'
import { describe, expect, test } from 'vitest'
import { chatServer } from '../usage/chat-server.ts'

const tenantOf = ({ context }: Scope): string | undefined =>
  typeof context['tenant'] === 'string' ? context['tenant'] : undefined

const app = (options: UsageMeterOptions = {}) => {
  const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
  const provider = scriptedProvider(Array.from({ length: 20 }, () => ({ text: 'hi', usage })))
  return createApp({ model: 'gpt-4o-mini', provider, usage: options })
}
const send = (on: ReturnType<typeof app>, session: string, tenant: string) =>
  on.chat(session).send('hi', { context: { tenant } })

describe('row 73: a limit per user', () => {
  test('tenant A is limited, in all of its sessions, and B is not', async () => {
    await using one = app()
    one.bus.use(
      rateLimit({ limit: 2, per: 60_000, queue: 0, key: (_message, scope) => tenantOf(scope) ?? '' }),
      { for: [RunTurn] },
    )
    await send(one, 'a1', 'A')
    await send(one, 'a2', 'A')
    await expect(send(one, 'a3', 'A')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    for (const session of ['b1', 'b2']) expect(await send(one, session, 'B')).toMatchObject({ reply: 'hi' })
  })

  test('a quota of tokens: tenant A has used its own up, B has not', async () => {
    await using one = app({
      tenant: tenantOf,
      budgets: { tenant: (tenant) => ({ maxTokens: tenant === 'A' ? 30 : 1000 }) },
    })
    for (const tenant of ['A', 'B'])
      for (const n of [1, 2]) await send(one, `${tenant.toLowerCase()}${n}`, tenant)
    await expect(send(one, 'a3', 'A')).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: { scope: 'tenant', id: 'A', limit: 'maxTokens', value: 30, max: 30 },
    })
    expect(await send(one, 'b3', 'B')).toMatchObject({ reply: 'hi' })
    expect(await one.bus.execute(ReadUsage, { tenant: 'A' })).toMatchObject({ usage: { totalTokens: 30 } })
    expect(await one.bus.execute(ReadUsage, { tenant: 'B' })).toMatchObject({ usage: { totalTokens: 45 } })
  })
})

describe('row 74: credentials per user', () => {
  test('each call goes with the key of its tenant, and no key is in the journal', async () => {
    await using server = await chatServer(() => ({ text: 'hi', input: 1, output: 1 }))
    const journal = memoryJournal()
    const asked: (string | undefined)[] = []
    const provider = openaiProvider({
      model: 'm',
      baseURL: server.url,
      apiKey: (scope) => {
        const tenant = tenantOf(scope)
        asked.push(tenant)
        return `secret-key-of-${tenant}`
      },
    })
    const one = createApp({ provider, journal })
    for (const tenant of ['A', 'B']) {
      const { reply } = await one.chat(tenant.toLowerCase()).send('say hi', { context: { tenant } })
      expect(reply).toBe('hi')
    }
    await one.chat('c').send('My key is secret-key-of-A', { context: { tenant: 'A' } })
    await one.stop()

    expect(asked).toEqual(['A', 'B', 'A'])
    expect(server.keys).toEqual(['A', 'B', 'A'].map((tenant) => `Bearer secret-key-of-${tenant}`))
    expect(journal.lines.join('')).not.toContain('secret-key-of')
    expect(journal.lines.join('')).toContain('My key is [secret]')
  })
})
