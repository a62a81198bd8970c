import {
  BudgetExceeded,
  BuslineError,
  CallModel,
  memorySessions,
  memoryUsage,
  OpenSession,
  AppendMessages,
  CloseSession,
  ReadUsage,
  UsageNotCounted,
  usageMeter,
  type UsageStore,
} from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../bus/fixtures/promises.ts'
import { ask, meteredBus, outcomeOf, PRICED_M, request, usageOf } from './metered-bus.ts'

const CALL = { usage: { ...usageOf(1000, 500), calls: 1 }, cost: 0.002, unpriced: 0 }

describe('usageMeter prices answers', () => {
  test('with the cost in dollars', async () => {
    const { bus, running } = meteredBus()
    expect(await running(bus.execute(CallModel, request()))).toMatchObject({ cost: 0.002 })
  })

  test('with null where the price is not known', async () => {
    const { bus, running } = meteredBus()
    expect(await running(bus.execute(CallModel, request('other')))).toHaveProperty('cost', null)
  })

  test('with null where no usage was told', async () => {
    const { bus, running } = meteredBus({}, null)
    expect(await running(bus.execute(CallModel, request()))).toHaveProperty('cost', null)
  })

  test('by the model that the server named, else by the one asked for, else by the option', async () => {
    const { bus, clock } = meteredBus({ model: 'm' })
    const costs: unknown[] = []
    using session = bus.session('s')
    for (const [asked, named] of [
      ['other', 'm'],
      ['m', 'alias-of-m'],
      [null, null],
      ['other', null],
    ] as const) {
      const off = session.handle(CallModel, () => ({
        message: { role: 'assistant' as const, content: '' },
        finishReason: null,
        usage: usageOf(1000, 500),
        model: named,
      }))
      costs.push((await session.execute(CallModel, request(asked))).cost)
      off()
    }
    await clock.advance(0)
    expect(costs).toEqual([0.002, 0.002, 0.002, null])
  })

  test('and leaves a cost that the provider told', async () => {
    const { bus } = meteredBus()
    using session = bus.session('s')
    session.handle(CallModel, () => ({
      message: { role: 'assistant' as const, content: '' },
      finishReason: null,
      usage: usageOf(1000, 500),
      model: 'm',
      cost: 0.5,
    }))
    expect(await session.execute(CallModel, request())).toMatchObject({ cost: 0.5 })
    expect(await session.execute(ReadUsage, {})).toMatchObject({ cost: 0.5 })
  })
})

describe('usageMeter adds up', () => {
  test('calls by session, and those whose price is not known apart', async () => {
    const { bus, running } = meteredBus()
    await running(Promise.all([ask(bus, 'a'), ask(bus, 'a'), ask(bus, 'a', 'other'), ask(bus, 'b')]))

    expect(await bus.session('a').execute(ReadUsage, {})).toEqual({
      usage: { inputTokens: 3000, outputTokens: 1500, totalTokens: 4500, calls: 3 },
      cost: 0.004,
      unpriced: 1,
    })
    expect(await bus.session('b').execute(ReadUsage, {})).toEqual(CALL)
  })

  test('a failed call whose error tells its usage', async () => {
    const { bus, running } = meteredBus({ model: 'm' })
    await running(outcomeOf(ask(bus, 'a', 'broken')))
    expect(await bus.session('a').execute(ReadUsage, {})).toMatchObject({ usage: CALL.usage, unpriced: 1 })
  })

  test('one error that ends two calls, the one inside the other, once', async () => {
    const { bus } = meteredBus()
    using session = bus.session('a')
    session.handle(CallModel, async ({ model }, scope) => {
      if (model === 'outer') return await scope.execute(CallModel, request('m'))
      throw new BuslineError('PROVIDER_FAILED', 'It broke.', { data: { usage: usageOf(1000, 500) } })
    })
    await outcomeOf(session.execute(CallModel, request('outer')))
    expect(await session.execute(ReadUsage, {})).toEqual(CALL)
  })

  test('and hands the cost of a failed call on in its error, the very same', async () => {
    const { bus } = meteredBus()
    using session = bus.session('a')
    const failing = (data: Record<string, unknown>, model = 'm') => {
      const error = new BuslineError('PROVIDER_FAILED', 'It broke.', { data })
      const off = session.handle(CallModel, () => {
        throw error
      })
      return outcomeOf(session.execute(CallModel, request(model))).then((thrown) => {
        off()
        expect(thrown).toBe(error)
        return error.data
      })
    }
    const usage = usageOf(1000, 500)
    expect(await failing({ usage })).toEqual({ usage, cost: 0.002 })
    expect(await failing({ usage, model: 'unheard-of' }, 'unheard-of')).toMatchObject({ cost: null })
    expect(await failing({ usage, cost: 0.5 })).toMatchObject({ cost: 0.5 })
    expect(await failing({})).toEqual({})
    expect(await failing(Object.freeze({ usage }))).toEqual({ usage })
    expect((await session.execute(ReadUsage, {})).cost).toBe(0.504)
  })

  test('calls by tenant over sessions, as the hidden context names it', async () => {
    const tenant = ({ context }: { context: Readonly<Record<string, unknown>> }) => String(context['tenant'])
    const { bus, running } = meteredBus({ tenant })
    const calls = [
      ask(bus, 's1', 'm', { tenant: 'a' }),
      ask(bus, 's2', 'm', { tenant: 'a' }),
      ask(bus, 's3', 'm', { tenant: 'b' }),
    ]
    await running(Promise.all(calls))
    expect(await bus.execute(ReadUsage, { tenant: 'a' })).toMatchObject({ cost: 0.004, usage: { calls: 2 } })
    expect(await bus.execute(ReadUsage, { tenant: 'b' })).toEqual(CALL)
    expect(await bus.execute(ReadUsage, { tenant: 'nobody' })).toMatchObject({ cost: 0 })
  })

  test('says what to do when nobody is asked about', async () => {
    const { bus } = meteredBus()
    expect(await outcomeOf(bus.execute(ReadUsage, {}))).toMatchObject({ code: 'SESSION_NOT_OPEN' })
  })
})

describe('a session’s totals', () => {
  const before = { ...usageOf(70, 7), cachedTokens: 50, calls: 2 }
  const messages = [
    { role: 'user' as const, content: 'hi' },
    { role: 'assistant' as const, content: 'hello', meta: { usage: before, cost: 0.5 } },
    {
      role: 'assistant' as const,
      content: 'again',
      meta: { usage: { ...usageOf(1, 1), calls: 1 }, cost: null },
    },
  ]
  const told = { usage: { ...usageOf(71, 8), cachedTokens: 50, calls: 3 }, cost: 0.5, unpriced: 1 }

  test('come back from its messages when it is opened, and what follows is added', async () => {
    const { bus, running } = meteredBus()
    const session = bus.session('a')
    const { version } = await session.execute(OpenSession, {})
    await session.execute(AppendMessages, { messages, version })
    await session.execute(CloseSession, {})

    expect(await session.execute(ReadUsage, {})).toEqual(told)
    await running(ask(bus, 'a'))
    expect(await session.execute(ReadUsage, {})).toMatchObject({ cost: 0.502, usage: { calls: 4 } })
  })

  test('do not count messages twice that were appended while it was counted', async () => {
    const { bus, running } = meteredBus()
    const session = bus.session('a')
    const { version } = await session.execute(OpenSession, {})
    await running(ask(bus, 'a'))
    const meta = { usage: { ...usageOf(1000, 500), calls: 1 }, cost: 0.002 }
    await session.execute(AppendMessages, { messages: [{ role: 'assistant', content: '', meta }], version })
    await session.execute(OpenSession, {})
    expect(await session.execute(ReadUsage, {})).toEqual(CALL)
  })

  /** A call, and the message that tells of it, as the engine appends it. */
  async function step({ bus, running }: ReturnType<typeof meteredBus>, version: number): Promise<void> {
    await running(ask(bus, 'a'))
    const meta = { usage: { ...usageOf(1000, 500), calls: 1 }, cost: 0.002 }
    const message = { role: 'assistant' as const, content: '', meta }
    await bus.session('a').execute(AppendMessages, { messages: [message], version })
  }

  test('count a call once when the meter came after the session was open', async () => {
    const { bus, clock } = testBus()
    bus.attach(memorySessions())
    const { version } = await bus.session('a').execute(OpenSession, {})
    await bus.session('a').execute(AppendMessages, { messages, version })
    bus.attach(usageMeter({ prices: PRICED_M }))
    bus.handle(CallModel, ({ model }) => ({
      message: { role: 'assistant' as const, content: 'hi' },
      finishReason: 'stop',
      usage: usageOf(1000, 500),
      model,
    }))
    const running = <T>(work: Promise<T>): Promise<T> => clock.advance(1000).then(() => work)
    await step({ ...meteredBus(), bus, running }, version)
    expect(await bus.session('a').execute(ReadUsage, {})).toMatchObject({ cost: 0.502, usage: { calls: 4 } })
  })

  test('count a call once after 10 000 other sessions', async () => {
    const metered = meteredBus()
    const session = metered.bus.session('a')
    const { version } = await session.execute(OpenSession, {})
    await step(metered, version)
    for (let n = 0; n < 10_001; n++) await metered.bus.execute(OpenSession, { id: `other${n}` })
    await step(metered, version)
    expect(await session.execute(ReadUsage, {})).toMatchObject({ cost: 0.004, usage: { calls: 2 } })
  }, 30_000)

  test('are nothing for a session that there is not, which is not made by asking', async () => {
    const { bus } = meteredBus()
    expect(await bus.session('new').execute(ReadUsage, {})).toMatchObject({ cost: 0, usage: { calls: 0 } })
    const made = bus.session('new').execute(OpenSession, { create: false })
    expect(await outcomeOf(made)).toMatchObject({ code: 'SESSION_NOT_FOUND' })
  })
})

describe('a budget', () => {
  test('asks once what a session used before that no store knows', async () => {
    const { bus, running, journal } = meteredBus({ budgets: { session: { maxTokens: 10_000 } } })
    for (let n = 0; n < 3; n++) await running(ask(bus, 'a'))
    const opened = journal.lines
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === OpenSession.type)
    expect(opened).toMatchObject([{ kind: 'command' }, { kind: 'result', status: 'error' }])
  })

  test('of tokens refuses the call after it is used up, before it is sent, and tells so once', async () => {
    const { bus, running, calls } = meteredBus({ budgets: { session: { maxTokens: 3000 } } })
    const told: unknown[] = []
    bus.on(BudgetExceeded, (data) => void told.push(data))
    await running(ask(bus, 'a'))
    await running(ask(bus, 'a'))
    const excess = { scope: 'session', id: 'a', limit: 'maxTokens', value: 3000, max: 3000 }
    for (let n = 0; n < 3; n++)
      expect(await running(outcomeOf(ask(bus, 'a')))).toMatchObject({ code: 'BUDGET_EXCEEDED', data: excess })
    expect(calls()).toBe(2)
    expect(told).toEqual([excess])
    expect(await running(ask(bus, 'b'))).toMatchObject({ cost: 0.002 })
  })

  test('of dollars refuses too', async () => {
    const { bus, running } = meteredBus({ budgets: { session: { maxCost: 0.003 } } })
    await running(ask(bus, 'a'))
    await running(ask(bus, 'a'))
    expect(await running(outcomeOf(ask(bus, 'a')))).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: { limit: 'maxCost', value: 0.004, max: 0.003 },
    })
  })

  test('of dollars refuses a model without a price, and names the remedy', async () => {
    const { bus, running, calls } = meteredBus({ budgets: { session: { maxCost: 1 } } })
    const unknown = await running(outcomeOf(ask(bus, 'a', 'other')))
    expect(unknown).toMatchObject({
      code: 'PRICE_UNKNOWN',
      data: { model: 'other', scope: 'session', id: 'a' },
    })
    expect(String(unknown)).toContain("match: 'other'")
    expect(String(await running(outcomeOf(ask(bus, 'a', null))))).toContain('usageMeter({ model })')
    expect(calls()).toBe(0)
  })

  test('of tokens needs no price', async () => {
    const { bus, running } = meteredBus({ budgets: { session: { maxTokens: 10 } } })
    expect(await running(ask(bus, 'a', 'other'))).toMatchObject({ cost: null })
  })

  test('is exceeded at most by what is in flight: ten at once, then none', async () => {
    const { bus, running, calls } = meteredBus({ budgets: { session: { maxTokens: 1500 } } })
    await running(Promise.all(Array.from({ length: 10 }, () => ask(bus, 'a'))))
    expect(await bus.session('a').execute(ReadUsage, {})).toMatchObject({ usage: { totalTokens: 15_000 } })
    expect(await running(outcomeOf(ask(bus, 'a')))).toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect(calls()).toBe(10)
  })

  test('counts what an earlier process used', async () => {
    const { bus, running } = meteredBus({ budgets: { session: { maxTokens: 10 } } })
    const session = bus.session('a')
    const { version } = await session.execute(OpenSession, {})
    const meta = { usage: { ...usageOf(10, 10), calls: 1 }, cost: 1 }
    await session.execute(AppendMessages, { messages: [{ role: 'assistant', content: '', meta }], version })
    await session.execute(CloseSession, {})
    expect(await running(outcomeOf(ask(bus, 'a')))).toMatchObject({ code: 'BUDGET_EXCEEDED' })
  })

  test('of a tenant may depend on the tenant', async () => {
    const { bus, running } = meteredBus({
      tenant: ({ session }) => session,
      budgets: { tenant: (tenant) => (tenant === 'small' ? { maxTokens: 1 } : undefined) },
    })
    for (const session of ['small', 'large']) await running(ask(bus, session))
    expect(await running(outcomeOf(ask(bus, 'small')))).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: { scope: 'tenant', id: 'small' },
    })
    expect(await running(ask(bus, 'large'))).toMatchObject({ cost: 0.002 })
  })

  test.each([
    [{ budget: { session: {} } }, 'budget'],
    [{ budgets: { sesion: {} } }, 'budgets.sesion'],
    [{ budgets: { session: { maxToken: 5 } } }, 'budgets.session.maxToken'],
    [{ budgets: { session: null } }, 'budgets.session'],
    [{ budgets: 5 }, 'budgets'],
    [{ store: {} }, 'store.get'],
    [{ model: 5 }, 'model'],
    [{ tenant: 'a' }, 'tenant'],
    [{ prices: 'low' }, 'prices'],
  ])('or another option that is misspelt or no such thing is refused: %j', (options, option) => {
    const error = thrownBy(() => Reflect.apply(usageMeter, undefined, [options]))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
    expect(String(error)).toContain(`usageMeter.${option}`)
  })

  test('that is none is refused with INVALID_OPTION', () => {
    expect(thrownBy(() => usageMeter({ budgets: { session: { maxTokens: -1 } } }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'budgets.session.maxTokens' },
    })
    expect(thrownBy(() => usageMeter({ budgets: { tenant: { maxCost: NaN } } }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'budgets.tenant.maxCost' },
    })
  })
})

describe('a store', () => {
  test('that answers later keeps the tenants’ totals', async () => {
    const memory = memoryUsage()
    const store: UsageStore = {
      get: async (tenant) => memory.get(tenant),
      add: async (tenant, used) => memory.add(tenant, used),
    }
    const { bus, running } = meteredBus({
      store,
      tenant: () => 'a',
      budgets: { tenant: { maxTokens: 1500 } },
    })
    await running(ask(bus, 's'))
    expect(await running(outcomeOf(ask(bus, 's')))).toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect(await store.get('a')).toEqual(CALL)
  })

  test('that fails loses no answer, and an event tells what is not counted', async () => {
    const store: UsageStore = {
      get: () => undefined,
      add: () => {
        throw new Error('full')
      },
    }
    const { bus, running } = meteredBus({ store, tenant: () => 'a' })
    const lost = bus.waitFor(UsageNotCounted)
    expect(await running(ask(bus, 's'))).toMatchObject({ cost: 0.002 })
    expect(await lost).toMatchObject({ tenant: 'a', used: CALL, error: { message: 'full' } })
  })
})
