import {
  defineCommand,
  defineEvent,
  MessageBus,
  type Bus,
  type TrackedMessage,
  type Scheduled,
} from 'busline'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'

const Counted = defineEvent('things.counted', { data: z.object({ count: z.coerce.number<string>() }) })
const Search = defineCommand('web.search', {
  input: z.object({ text: z.string(), limit: z.number().default(10) }),
  output: z.array(z.string()),
})

describe('without a type written anywhere', () => {
  test('waitFor resolves to what the schema yields, and so does `where` get it', () => {
    const bus = new MessageBus()
    const wait = (): Promise<{ count: number }> =>
      bus.waitFor(Counted, {
        where: ({ count }) => {
          expectTypeOf(count).toEqualTypeOf<number>()
          return count > 5
        },
      })

    expectTypeOf(wait).returns.resolves.toEqualTypeOf<{ count: number }>()
    expectTypeOf(() => bus.waitFor(Counted)).returns.resolves.toEqualTypeOf<{ count: number }>()
    expectTypeOf(() => bus.session('s1').waitFor(Greeted)).returns.resolves.toEqualTypeOf<{ name: string }>()
  })

  test('`where` answers at once: a promise would always be true', async () => {
    const bus = new MessageBus()
    // @ts-expect-error -- a promise is no answer
    const waiting = bus.waitFor(Greeted, { where: async () => false })
    bus.publish(Greeted, { name: 'Ada' })

    expect(await waiting).toEqual({ name: 'Ada' })
  })

  test('a stream of one event yields its data, of a list the union, of a pattern what is unknown', async () => {
    const bus = new MessageBus()
    const one = bus.events(Counted)
    const list = bus.events([Counted, Greeted])
    const pattern = bus.session('s1').events('people.*')
    expectTypeOf(() => one.next()).returns.resolves.toEqualTypeOf<
      IteratorResult<{ count: number }, undefined>
    >()
    await bus.stop()
    for await (const { count } of one) expectTypeOf(count).toEqualTypeOf<number>()
    for await (const data of list) expectTypeOf(data).toEqualTypeOf<{ count: number } | { name: string }>()
    for await (const data of pattern) expectTypeOf(data).toEqualTypeOf<unknown>()
  })

  test('schedule takes what the schema of a command or an event takes, on whatever sends', () => {
    const bus = new MessageBus()
    const onBus = (): Promise<Scheduled> => bus.schedule(Search, { text: 'x' }, { after: 5 })
    const onSession = (): Promise<Scheduled> =>
      bus.session('s1').schedule(Counted, { count: '5' }, { at: new Date(), every: 5, times: 2 })

    expectTypeOf(onBus).returns.resolves.toEqualTypeOf<Scheduled>()
    expectTypeOf(onSession).returns.resolves.toEqualTypeOf<Scheduled>()
  })

  test('track resolves to what its work returns, promised or not', () => {
    const bus = new MessageBus()

    expectTypeOf(() =>
      bus.track((sender) => sender.execute(Search, { text: 'x' })),
    ).returns.resolves.toEqualTypeOf<{
      value: string[]
      messages: readonly TrackedMessage[]
    }>()
    expectTypeOf(() => bus.track(() => 5)).returns.resolves.toEqualTypeOf<{
      value: number
      messages: readonly TrackedMessage[]
    }>()
  })

  test('a participant has the same inference on its view', () => {
    new MessageBus().attach((view) => {
      expectTypeOf(view).toEqualTypeOf<Bus>()
      expectTypeOf(() => view.waitFor(Counted)).returns.resolves.toEqualTypeOf<{ count: number }>()
      const stream = (): AsyncIterable<{ count: number } | { name: string }> =>
        view.events([Counted, Greeted])
      expectTypeOf(stream).toBeFunction()
    })
  })
})

describe('a mistake that the compiler finds, and the bus too:', () => {
  test('scheduling what does not fit is VALIDATION_FAILED, on whatever sends', async () => {
    const bus = new MessageBus()
    const errors = [
      // @ts-expect-error -- a name is a text
      await rejection(bus.schedule(Greet, { name: 5 }, { after: 5 })),
      // @ts-expect-error -- a name is required
      await rejection(bus.schedule(Greeted, {}, { after: 5 })),
      // @ts-expect-error -- a name is a text
      await rejection(bus.session('s1').schedule(Greet, { name: 5 }, { after: 5 })),
      // @ts-expect-error -- a name is a text
      await rejection(bus.track((sender) => sender.schedule(Greeted, { name: 5 }, { after: 5 }))),
    ]

    expect(errors).toMatchObject(errors.map(() => ({ code: 'VALIDATION_FAILED' })))
  })

  test('waiting for a command is NOT_AN_EVENT', async () => {
    const bus = new MessageBus()

    // @ts-expect-error -- events are waited for
    expect(await rejection(bus.waitFor(Greet))).toMatchObject({ code: 'NOT_AN_EVENT' })
  })

  test('an option that is misspelt does not compile', async () => {
    const bus = new MessageBus()

    // @ts-expect-error -- it is `after`
    expect(await rejection(bus.schedule(Greeted, { name: 'Ada' }, { in: 5 }))).toMatchObject({
      code: 'INVALID_OPTION',
    })
  })
})
