import { defineCommand, defineEvent, MessageBus, type Scope } from 'busline'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'

const Search = defineCommand('web.search', {
  input: z.object({ text: z.string(), limit: z.number().default(10) }),
  output: z.array(z.object({ url: z.string(), rank: z.number().optional() })),
})
const Counted = defineEvent('things.counted', { data: z.object({ count: z.coerce.number<string>() }) })

describe('a mistake that the compiler finds, and the bus too:', () => {
  test('publishing a command is NOT_AN_EVENT', () => {
    const bus = new MessageBus()
    // @ts-expect-error -- commands are executed
    expect(thrownBy(() => bus.publish(Greet, { name: 'Ada' }))).toMatchObject({
      code: 'NOT_AN_EVENT',
      message: expect.stringContaining('people.greet is not an event'),
    })
  })

  test('executing an event is NOT_A_COMMAND', async () => {
    const bus = new MessageBus()
    // @ts-expect-error -- events are published
    expect(await rejection(bus.execute(Greeted, { name: 'Ada' }))).toMatchObject({
      code: 'NOT_A_COMMAND',
      message: expect.stringContaining('people.greeted is not a command'),
    })
  })

  test('handling an event is NOT_A_COMMAND', () => {
    const bus = new MessageBus()
    // @ts-expect-error -- events have subscribers
    expect(thrownBy(() => bus.handle(Greeted, () => ''))).toMatchObject({ code: 'NOT_A_COMMAND' })
  })

  test('subscribing to a command is NOT_AN_EVENT, alone and in a list', () => {
    const bus = new MessageBus()
    // @ts-expect-error -- commands have one handler
    expect(thrownBy(() => bus.on(Greet, () => undefined))).toMatchObject({ code: 'NOT_AN_EVENT' })
    // @ts-expect-error -- commands have one handler
    expect(thrownBy(() => bus.on([Greeted, Greet], () => undefined))).toMatchObject({ code: 'NOT_AN_EVENT' })
  })

  test('the same in a session and in a scope', async () => {
    const bus = new MessageBus()
    using session = bus.session('s1')
    // @ts-expect-error -- commands are executed
    expect(thrownBy(() => session.publish(Greet, { name: 'Ada' }))).toMatchObject({ code: 'NOT_AN_EVENT' })
    // @ts-expect-error -- events are published
    expect(await rejection(session.execute(Greeted, { name: 'Ada' }))).toMatchObject({
      code: 'NOT_A_COMMAND',
    })
    const errors: unknown[] = []
    bus.handle(Greet, async ({ name }, scope) => {
      // @ts-expect-error -- commands are executed
      errors.push(thrownBy(() => scope.publish(Greet, { name })))
      // @ts-expect-error -- events are published
      errors.push(await rejection(scope.execute(Greeted, { name })))
      return ''
    })
    await session.execute(Greet, { name: 'Ada' })

    expect(errors).toMatchObject([{ code: 'NOT_AN_EVENT' }, { code: 'NOT_A_COMMAND' }])
  })

  test('an input that does not fit is VALIDATION_FAILED', async () => {
    const bus = new MessageBus()
    // @ts-expect-error -- a name is a text
    expect(await rejection(bus.execute(Greet, { name: 5 }))).toMatchObject({ code: 'VALIDATION_FAILED' })
    // @ts-expect-error -- a name is required
    expect(await rejection(bus.execute(Greet, {}))).toMatchObject({ code: 'VALIDATION_FAILED' })
    // @ts-expect-error -- a name is a text
    expect(thrownBy(() => bus.publish(Greeted, { name: null }))).toMatchObject({ code: 'VALIDATION_FAILED' })
  })

  test('a result that does not fit is INVALID_OUTPUT', async () => {
    const bus = new MessageBus()
    // @ts-expect-error -- a greeting is a text
    bus.handle(Greet, () => 5)

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'INVALID_OUTPUT' })
  })
})

describe('without a type written anywhere', () => {
  test('execute resolves to what the output schema yields', () => {
    const bus = new MessageBus()

    expectTypeOf(() => bus.execute(Greet, { name: 'Ada' })).returns.toEqualTypeOf<Promise<string>>()
    expectTypeOf(() => bus.execute(Search, { text: 'x' })).returns.resolves.toEqualTypeOf<
      { url: string; rank?: number | undefined }[]
    >()
  })

  test('callers give what the input schema takes, handlers get what it yields', async () => {
    const bus = new MessageBus()
    bus.handle(Search, ({ text, limit }, scope) => {
      expectTypeOf(text).toEqualTypeOf<string>()
      expectTypeOf(limit).toEqualTypeOf<number>()
      expectTypeOf(scope).toEqualTypeOf<Scope>()
      return [{ url: `${text}${limit}` }]
    })

    expect(await bus.execute(Search, { text: 'x' })).toEqual([{ url: 'x10' }])
  })

  test('a handler may be async or not, and what it returns is checked', () => {
    const bus = new MessageBus()
    bus.handle(Greet, async ({ name }) => Promise.resolve(name))()
    bus.handle(Search, () => [])()
    // @ts-expect-error -- a result has a url
    bus.handle(Search, async () => [{ rank: 1 }])()
  })

  test('a literal in the output is a literal in the handler', () => {
    const bus = new MessageBus()
    const Vote = defineCommand('people.vote', {
      input: z.object({}),
      output: z.object({ vote: z.enum(['yes', 'no']) }),
    })
    bus.handle(Vote, () => ({ vote: 'yes' }))()
    // @ts-expect-error -- there is no third way
    bus.handle(Vote, () => ({ vote: 'perhaps' }))()
    expectTypeOf(() => bus.execute(Vote, {})).returns.resolves.toEqualTypeOf<{ vote: 'yes' | 'no' }>()
  })

  test('a subscriber to one event gets its data, parsed', async () => {
    const bus = new MessageBus()
    const counts: number[] = []
    bus.on(Counted, ({ count }) => {
      expectTypeOf(count).toEqualTypeOf<number>()
      counts.push(count)
    })
    await bus.publish(Counted, { count: '5' }).settled

    expect(counts).toEqual([5])
  })

  test('a subscriber may return what it likes', async () => {
    const bus = new MessageBus()
    const counts: number[] = []
    const names = new Map<string, string>()
    bus.on(Counted, ({ count }) => counts.push(count))
    bus.on(Greeted, ({ name }) => names.set(name, name))
    bus.on(Greeted, (_, scope) => scope.publish(Counted, { count: '5' }))
    bus.on(Greeted, ({ name }, scope) => scope.execute(Greet, { name }))
    bus.handle(Greet, ({ name }) => name)
    await bus.track((sender) => sender.publish(Greeted, { name: 'Ada' }))

    expect([counts, names.size]).toEqual([[5], 1])
  })

  test('a subscriber to a list gets the union of their data', () => {
    const bus = new MessageBus()
    bus.on([Greeted, Counted], (data, { message }) => {
      expectTypeOf(data).toEqualTypeOf<{ name: string } | { count: number }>()
      expectTypeOf(message.type).toEqualTypeOf<string>()
    })
    using session = bus.session('s1')
    session.on([Greeted], (data) => {
      expectTypeOf(data).toEqualTypeOf<{ name: string }>()
    })
  })

  test('a subscriber to a pattern gets data of which nothing is known', () => {
    const bus = new MessageBus()
    bus.on('people.*', (data) => {
      expectTypeOf(data).toEqualTypeOf<unknown>()
    })
    bus.session('s1').on('**', (data) => {
      expectTypeOf(data).toEqualTypeOf<unknown>()
    })
  })

  test('a participant has the same inference on its view', () => {
    const bus = new MessageBus()
    bus.attach((view) => {
      view.handle(Greet, ({ name }) => name)
      view.on(Greeted, ({ name }) => {
        expectTypeOf(name).toEqualTypeOf<string>()
      })
      view.on([Greeted, Counted], (data) => {
        expectTypeOf(data).toEqualTypeOf<{ name: string } | { count: number }>()
      })
      expectTypeOf(() => view.execute(Greet, { name: 'Ada' })).returns.toEqualTypeOf<Promise<string>>()
    })
  })
})

test('a receipt is not a promise to the compiler either', () => {
  const receipt = new MessageBus().publish(Greeted, { name: 'Ada' })

  expectTypeOf(receipt).not.toExtend<PromiseLike<unknown>>()
  expectTypeOf(receipt.settled).resolves.toEqualTypeOf<{
    delivered: number
    failed: number
    skipped: number
    dropped: number
  }>()
})

test('a stream event carries a text, and nothing else', () => {
  const Said = defineEvent('people.said', { data: z.object({ text: z.string() }), stream: true })
  expect(Said.stream).toBe(true)
  // @ts-expect-error -- its data is a text delta
  defineEvent('people.counted', { data: z.object({ count: z.number() }), stream: true })
})

test('`record` gets the parsed input, `key` the parsed data', () => {
  defineCommand('things.search', {
    input: z.object({ limit: z.number().default(1) }),
    output: z.object({ found: z.number().default(0) }),
    record: (input, redact) => {
      expectTypeOf(input).toEqualTypeOf<{ limit: number }>()
      return redact('x')
    },
    recordOutput: (output) => expectTypeOf(output).toEqualTypeOf<{ found: number }>(),
  })
  defineEvent('things.moved', {
    data: z.object({ key: z.string().default('') }),
    key: (data) => {
      expectTypeOf(data).toEqualTypeOf<{ key: string }>()
      return data.key
    },
  })
  // @ts-expect-error -- a key is a text
  defineEvent('things.lost', { data: z.object({ key: z.number() }), key: ({ key }) => key })
})

test('a handler without parameters may return literals that its command names', async () => {
  const Check = defineCommand('shop.check', {
    input: z.object({}),
    output: z.object({ status: z.enum(['open', 'closed']) }),
  })
  const bus = new MessageBus()
  const off = bus.handle(Check, () => ({ status: 'open' }))
  expect(await bus.execute(Check, {})).toEqual({ status: 'open' })
  off()
  bus.handle(Check, async () => ({ status: 'closed' }))
  // @ts-expect-error 'ajar' is none of them
  bus.session('s1').handle(Check, () => ({ status: 'ajar' }))
})
