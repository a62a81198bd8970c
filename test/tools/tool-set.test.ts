import {
  CallTool,
  CheckTools,
  defineTool,
  FindTools,
  ListTools,
  memorySessions,
  mockTool,
  OpenSession,
  RequestApproval,
  SelectionOutdated,
  SelectTools,
  ToolHealthChanged,
  toolManager,
  type SessionScope,
  type Tool,
  type ToolCondition,
  type ToolHealth,
  type ToolManagerOptions,
} from 'busline'
import { settle, testBus } from 'busline/testing'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'

const plain = { description: '', parameters: z.object({}) }
const named = (
  name: string,
  options: Partial<{
    group: string
    description: string
    health: () => ToolCondition | Promise<ToolCondition>
  }> = {},
): Tool => defineTool({ ...plain, ...options, name, run: () => name })

function desk(tools: readonly Tool[], options?: ToolManagerOptions, sessions = memorySessions()) {
  const { bus, clock, journal } = testBus()
  bus.attach(sessions)
  bus.attach(toolManager(tools, options))
  return { bus, clock, journal, chat: bus.session('s1') }
}

async function offered(chat: Pick<SessionScope, 'execute'>, about?: string): Promise<string[]> {
  return (await chat.execute(ListTools, { about })).map(({ name }) => name)
}

function call(chat: Pick<SessionScope, 'execute'>, name: string): Promise<unknown> {
  return chat.execute(CallTool, { call: 'c1', name, arguments: {} })
}

describe('selecting tools for a session', () => {
  const tools = [
    named('send', { group: 'mail' }),
    named('read', { group: 'mail' }),
    named('add', { group: 'math' }),
    named('time'),
  ]

  test.each([
    [{}, ['send', 'read', 'add', 'time']],
    [{ groups: null, names: null }, ['send', 'read', 'add', 'time']],
    [{ groups: ['mail'] }, ['send', 'read']],
    [{ names: ['time', 'send'] }, ['send', 'time']],
    [{ groups: ['math'], names: ['time'] }, ['add', 'time']],
    [{ names: [] }, []],
  ])('offers those of the groups, and those named: %j', async (selection, expected) => {
    const { bus, chat } = desk(tools)
    await chat.execute(OpenSession, {})
    expect(await chat.execute(SelectTools, selection)).toEqual({ offered: expected })
    expect(await offered(chat)).toEqual(expected)
    expect(await offered(bus.session('s2'))).toHaveLength(4)
  })

  test('refuses a call of any other, in words for the model', async () => {
    const { chat } = desk(tools)
    await chat.execute(OpenSession, {})
    await chat.execute(SelectTools, { groups: ['math'] })
    expect(await call(chat, 'add')).toBe('add')
    await expect(call(chat, 'send')).rejects.toMatchObject({
      code: 'TOOL_UNAVAILABLE',
      message: 'send is not on offer in this session. Go on without it.',
    })
    await expect(call(chat, 'sent')).rejects.toMatchObject({ code: 'UNKNOWN_TOOL', data: { known: ['add'] } })
  })

  test('survives a restart, and is taken back by selecting all', async () => {
    const sessions = memorySessions()
    const first = desk(tools, {}, sessions)
    await first.chat.execute(OpenSession, {})
    await first.chat.execute(SelectTools, { groups: ['math'] })
    await first.bus.stop()
    const { chat } = desk(tools, {}, sessions)
    await chat.execute(OpenSession, {})
    expect(await offered(chat)).toEqual(['add'])
    await chat.execute(SelectTools, {})
    expect((await chat.execute(OpenSession, {})).context).toEqual({})
    expect(await offered(chat)).toHaveLength(4)
  })

  test('holds without a store too', async () => {
    const { bus } = testBus()
    bus.attach(toolManager(tools))
    await bus.session('s1').execute(SelectTools, { names: ['time'] })
    expect(await offered(bus.session('s1'))).toEqual(['time'])
  })

  test('refuses what there is not, and to select outside of a session', async () => {
    const { bus, chat } = desk(tools)
    await expect(chat.execute(SelectTools, { groups: ['post'] })).rejects.toMatchObject({
      code: 'UNKNOWN_TOOL',
      message: 'No tool is in the group "post". The groups are: mail, math.',
    })
    await expect(chat.execute(SelectTools, { names: ['sent'] })).rejects.toThrow('Did you mean send?')
    await expect(bus.execute(SelectTools, {})).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })
})

describe('a selection that was made before the manager was attached', () => {
  const tools = [named('send', { group: 'mail' }), named('delete_all', { group: 'files' })]

  async function reattached(then: readonly Tool[]) {
    const { bus } = testBus()
    bus.attach(memorySessions())
    const off = bus.attach(toolManager(tools))
    const chat = bus.session('s1')
    await chat.execute(OpenSession, {})
    await chat.execute(SelectTools, { groups: ['mail'] })
    off()
    const news: unknown[] = []
    bus.on(SelectionOutdated, (outdated) => void news.push(outdated))
    bus.attach(toolManager(then))
    return { chat, news }
  }

  test('holds, for what is offered', async () => {
    expect(await offered((await reattached(tools)).chat)).toEqual(['send'])
  })

  test('holds, for what is called', async () => {
    const { chat } = await reattached(tools)
    await expect(call(chat, 'delete_all')).rejects.toMatchObject({ code: 'TOOL_UNAVAILABLE' })
  })

  test('holds, for what is found', async () => {
    const { chat } = await reattached(tools)
    expect(await chat.execute(FindTools, { query: 'delete all' })).toEqual([])
  })

  test('tells once that it names what there is not any more', async () => {
    const { chat, news } = await reattached([named('other', { group: 'math' })])
    expect([await offered(chat), await offered(chat)]).toEqual([[], []])
    await settle()
    expect(news).toEqual([{ groups: ['mail'], names: [], offered: [] }])
  })
})

test('a check of the health that is cancelled with who asked for it is made once again for all who wait', async () => {
  let asked = 0
  let begin = (): void => undefined
  const began = new Promise<void>((resolve) => (begin = resolve))
  const slow = named('slow', {
    health: async () => {
      asked++
      begin()
      await settle()
      return true
    },
  })
  const { chat } = desk([slow])
  const cancel = new AbortController()
  const first = chat
    .execute(CallTool, { call: 'c0', name: 'slow', arguments: {} }, { signal: cancel.signal })
    .catch(() => 'cancelled')
  const others = Array.from({ length: 20 }, () => call(chat, 'slow'))
  await began
  cancel.abort()
  expect(await first).toBe('cancelled')
  await Promise.all(others)
  expect(asked).toBe(2)
})

describe('health', () => {
  function patient(options?: ToolManagerOptions) {
    let condition: () => ToolCondition | Promise<ToolCondition> = () => true
    let asked = 0
    const sick = named('sick', { health: () => (asked++, condition()) })
    const parts = desk([sick, named('other')], options)
    const news: ToolHealth[] = []
    parts.bus.on(ToolHealthChanged, (health) => void news.push(health))
    return { ...parts, news, asked: () => asked, become: (next: typeof condition) => void (condition = next) }
  }
  const status = async ({ bus }: ReturnType<typeof patient>): Promise<unknown> =>
    (await bus.execute(CheckTools, { names: ['sick'] }))[0]

  test('is told for all tools; of those without a check it is unknown', async () => {
    const { bus } = patient()
    expect(await bus.execute(CheckTools, {})).toEqual([
      { name: 'sick', status: 'up' },
      { name: 'other', status: 'unknown' },
    ])
    await expect(bus.execute(CheckTools, { names: ['sik'] })).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' })
  })

  test.each<[string, () => ToolCondition | Promise<ToolCondition>, object]>([
    ['says no', () => false, {}],
    ['says why', () => Promise.resolve({ status: 'down', message: 'no network' }), { message: 'no network' }],
    [
      'throws',
      () => {
        throw new Error('ECONNREFUSED')
      },
      { message: 'ECONNREFUSED' },
    ],
    ['rejects', () => Promise.reject(new Error('ETIMEDOUT')), { message: 'ETIMEDOUT' }],
  ])('is down when the check %s', async (_name, condition, told) => {
    const parts = patient()
    parts.become(condition)
    expect(await status(parts)).toEqual({ name: 'sick', status: 'down', ...told })
  })

  test('is down when the check does not answer in time', async () => {
    const parts = patient({ health: { timeout: 50 } })
    parts.become(() => new Promise(() => undefined))
    expect(await parts.clock.until(status(parts))).toMatchObject({
      status: 'down',
      message: expect.stringContaining('50 ms'),
    })
  })

  test('is asked by a call, holds for its time, and a call of what is down is refused with why', async () => {
    const parts = patient({ health: { ttl: 1000 } })
    expect(await call(parts.bus, 'sick')).toBe('sick')
    parts.become(() => ({ status: 'down', message: 'no network' }))
    expect(await call(parts.bus, 'sick')).toBe('sick')
    expect(parts.asked()).toBe(1)
    await parts.clock.advance(1000)
    await expect(call(parts.bus, 'sick')).rejects.toMatchObject({
      code: 'TOOL_UNAVAILABLE',
      message:
        'sick does not work at present (no network) and did not run. Go on without it, or tell the user.',
    })
    expect(await call(parts.bus, 'other')).toBe('other')
  })

  test('is asked once for calls at the same time, and again where that was cancelled', async () => {
    const parts = patient()
    await Promise.all([1, 2, 3].map(() => call(parts.bus, 'sick')))
    expect(parts.asked()).toBe(1)

    const other = patient()
    other.become(() => new Promise(() => undefined))
    const cancel = new AbortController()
    const input = { call: 'c', name: 'sick', arguments: {} }
    const first = other.bus
      .execute(CallTool, input, { signal: cancel.signal })
      .catch((error: unknown) => error)
    await settle()
    const second = call(other.bus, 'sick')
    await settle()
    other.become(() => true)
    cancel.abort()
    expect(await first).toMatchObject({ code: 'CANCELLED' })
    expect(await second).toBe('sick')
    expect(other.asked()).toBe(2)
  })

  test('is news when a tool goes down and when it comes up, and not otherwise', async () => {
    const parts = patient()
    for (const condition of [true, true, false, false, true, true]) {
      parts.become(() => condition)
      await status(parts)
      await settle()
    }
    expect(parts.news).toEqual([
      { name: 'sick', status: 'down' },
      { name: 'sick', status: 'up' },
    ])
  })

  test('hides what is down where that is asked for, until it is up again', async () => {
    const parts = patient({ health: { hideDown: true, ttl: 1000 } })
    expect(await offered(parts.bus)).toEqual(['sick', 'other'])
    parts.become(() => false)
    await parts.clock.advance(1000)
    expect(await offered(parts.bus)).toEqual(['other'])
    parts.become(() => true)
    await parts.clock.advance(1000)
    expect(await offered(parts.bus)).toEqual(['sick', 'other'])
  })

  test('is checked again and again at an interval, which ends with the bus', async () => {
    const parts = patient({ health: { every: 1000 } })
    await parts.clock.advance(3500)
    expect(parts.asked()).toBe(3)
    await parts.bus.stop()
    await parts.clock.advance(5000)
    expect(parts.asked()).toBe(3)
    expect(parts.clock.pending).toBe(0)
  })
})

describe('suggested tools', () => {
  const topics = ['weather', 'mail', 'calendar', 'currency', 'translation', 'music', 'maps', 'news']
  const tools = topics.flatMap((topic) =>
    [1, 2, 3, 4].map((n) => named(`${topic}_${n}`, { description: `Does ${topic} things.` })),
  )

  test('are as many as the limit, those that have to do with it, and find_tools', async () => {
    const { chat } = desk(tools, { suggest: { limit: 4 } })
    expect(await offered(chat, 'Translate this, a translation please')).toEqual([
      'translation_1',
      'translation_2',
      'translation_3',
      'translation_4',
      'find_tools',
    ])
    expect(await offered(desk(tools, { suggest: { limit: 4 } }).chat)).toEqual(['find_tools'])
  })

  test('stay those of the last query where an answer is none', async () => {
    const { chat } = desk(tools, { suggest: { limit: 4 } })
    const first = await offered(chat, 'Translate this, a translation please')
    expect(await offered(chat, 'Yes, please. Go ahead, in Paris!')).toEqual(first)
    expect(await offered(chat, 'Yes, please.')).toEqual(first)
  })

  test('hold those that were called in the session', async () => {
    const { chat } = desk(tools, { suggest: { limit: 4 } })
    const other = tools.find(({ name }) => !name.startsWith('translation'))?.name ?? ''
    await chat.execute(CallTool, { call: 'c1', name: other, arguments: {} })
    expect(await offered(chat, 'Translate this, a translation please')).toContain(other)
  })

  test.each([
    ['今天北京的天气怎么样？', 'weather'],
    ['音楽を再生してください', 'music'],
    ['请播放音乐', 'chinese_music'],
  ])('are found by text without spaces: %s', async (about, name) => {
    const described = [
      named('weather', { description: '查询城市天气' }),
      named('music', { description: '音楽を再生する' }),
      named('chinese_music', { description: '播放音乐' }),
      named('mail', { description: '发送电子邮件' }),
    ]
    const { chat } = desk(described, { suggest: { limit: 1 } })
    expect(await offered(chat, about)).toEqual([name, 'find_tools'])
  })

  test('are all where there are no more than the limit', async () => {
    const { chat } = desk(tools.slice(0, 4), { suggest: { limit: 4 } })
    expect(await offered(chat)).toEqual(['weather_1', 'weather_2', 'weather_3', 'weather_4'])
  })

  test('have those among them that always are', async () => {
    const { chat } = desk(tools, { suggest: { limit: 2, always: ['news_4'] } })
    expect(await offered(chat, 'weather')).toEqual(['weather_1', 'news_4', 'find_tools'])
    expect(() => toolManager(tools, { suggest: { limit: 2, always: ['nope'] } })).toThrow(/suggest\.always/)
  })

  test('have what the model found, for the rest of its session', async () => {
    const { bus, chat } = desk(tools, { suggest: { limit: 4 } })
    const found = await chat.execute(CallTool, {
      call: 'f',
      name: 'find_tools',
      arguments: { query: 'play music', limit: 1 },
    })
    expect(found).toEqual([{ name: 'music_1', description: 'Does music things.' }])
    expect(await offered(chat, 'the weather')).toEqual([
      'weather_1',
      'weather_2',
      'weather_3',
      'music_1',
      'find_tools',
    ])
    expect(await call(chat, 'music_1')).toBe('music_1')
    expect(await offered(bus.session('s2'), 'the weather')).not.toContain('music_1')
  })

  test('leave room for what is asked about, however much was found', async () => {
    const { chat } = desk(tools, { suggest: { limit: 4 } })
    for (const query of ['mail', 'news', 'maps']) await chat.execute(FindTools, { query, limit: 4 })
    const names = await offered(chat, 'the weather')
    expect(names).toEqual(['weather_1', 'weather_2', 'maps_1', 'maps_2', 'find_tools'])
  })

  test('find and offer only what the session may call', async () => {
    const { chat } = desk(
      [...tools, named('secret_weather', { group: 'secret', description: 'weather weather' })],
      { suggest: { limit: 4 } },
    )
    await chat.execute(OpenSession, {})
    await chat.execute(SelectTools, { names: tools.map(({ name }) => name) })
    expect(await offered(chat, 'secret weather')).not.toContain('secret_weather')
    expect(await chat.execute(FindTools, { query: 'secret weather', limit: 9 })).toHaveLength(4)
  })

  test('tell a model that calls what there is not how to search', async () => {
    const { chat } = desk(tools, { suggest: { limit: 4 } })
    await expect(call(chat, 'zzz')).rejects.toThrow(/and 12 more\. Search them with find_tools\./)
    expect(() => toolManager([named('find_tools')], { suggest: { limit: 4 } })).toThrow(/find_tools itself/)
  })

  test('are found through tool.find without being suggested, too', async () => {
    const { bus } = desk(tools)
    expect(await bus.execute(FindTools, { query: 'music', limit: 1 })).toMatchObject([
      { name: 'music_1', description: 'Does music things.', score: expect.any(Number) },
    ])
    expect(await bus.execute(FindTools, { query: '  ' })).toEqual([])
  })
})

describe('mockTool', () => {
  const ran: unknown[] = []
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    parameters: z.object({ amount: z.number() }),
    approval: ({ amount }) => amount > 10,
    health: () => false,
    group: 'money',
    run: (input) => ran.push(input),
  })

  test('is shown like its original, answers in its place, and is always up', async () => {
    const { bus } = desk([mockTool(pay, { paid: true })])
    expect(await bus.execute(ListTools, {})).toEqual(await desk([pay]).bus.execute(ListTools, {}))
    expect(await bus.execute(CallTool, { call: 'c', name: 'pay', arguments: { amount: 1 } })).toEqual({
      paid: true,
    })
    expect(ran).toEqual([])
  })

  test('answers by a function of the input, checks arguments, and asks for approvals', async () => {
    const mock = mockTool(pay, (input) => {
      expectTypeOf(input).toEqualTypeOf<{ amount: number }>()
      return input.amount * 2
    })
    const { bus } = desk([mock])
    bus.handle(RequestApproval, () => ({ approved: false }))
    const paying = (amount: unknown): Promise<unknown> =>
      bus.execute(CallTool, { call: 'c', name: 'pay', arguments: { amount } })
    expect(await paying(4)).toBe(8)
    await expect(paying('4')).rejects.toMatchObject({ code: 'INVALID_ARGUMENTS' })
    await expect(paying(11)).rejects.toMatchObject({ code: 'APPROVAL_DENIED' })
  })

  test('gives each call its own copy of the answer', async () => {
    const { bus } = desk([mockTool(pay, { list: [1] })])
    const [one, other] = [1, 2].map(() =>
      bus.execute(CallTool, { call: 'c', name: 'pay', arguments: { amount: 1 } }),
    )
    expect(await one).not.toBe(await other)
  })
})
