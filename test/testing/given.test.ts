import { BuslineError, DeliveryFailed, type Bus } from 'busline'
import { command, event, given } from 'busline/testing'
import { AssertionError } from 'node:assert'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { Charge, OrderPlaced, OrderShipped, PlaceOrder, shop } from './fixtures/shop.ts'

/** Greets whom it has greeted before in another way. */
function greeter(bus: Bus): void {
  const known = new Set<string>()
  bus.on(Greeted, ({ name }) => void known.add(name))
  bus.handle(Greet, ({ name }, scope) => {
    scope.publish(Greeted, { name })
    return known.has(name) ? `Hello again, ${name}!` : `Hello, ${name}!`
  })
}

const order = { order: 'a', amount: 5 }

describe('given, when, then', () => {
  test('compares what a command returned, published and executed', async () => {
    await given(shop())
      .when(command(PlaceOrder, order))
      .thenExpect({
        output: { order: 'a', paid: true },
        executed: [command(Charge, order)],
        published: [event(OrderPlaced, { order: 'a' }), event(OrderShipped, { order: 'a' })],
      })
  })

  test('knows what happened before', async () => {
    await given(greeter)
      .when(command(Greet, { name: 'Ada' }))
      .thenExpect({ output: 'Hello, Ada!' })
    await given(greeter, event(Greeted, { name: 'Ada' }))
      .when(command(Greet, { name: 'Ada' }))
      .thenExpect({ output: 'Hello again, Ada!', published: [event(Greeted, { name: 'Ada' })] })
  })

  test('waits for everything that happened before, and for participants that join later', async () => {
    const shipped: string[] = []
    const log = async (bus: Bus): Promise<void> => {
      await wait(5)
      bus.on(OrderShipped, ({ order }) => void shipped.push(order))
    }
    await given(log, shop({ slow: () => 1000 }), event(OrderPlaced, { order: 'b' }))
      .when(command(PlaceOrder, order))
      .thenThrows({ code: 'TIMED_OUT' })
    expect(shipped).toEqual(['b'])
  })

  test('sends events too', async () => {
    await given(shop())
      .when(event(OrderPlaced, { order: 'a' }))
      .thenExpect({ published: [event(OrderShipped, { order: 'a' })], executed: [] })
  })

  test('tries anew each time', async () => {
    const trial = given(greeter).when(command(Greet, { name: 'Ada' }))
    await trial.thenExpect({ output: 'Hello, Ada!' })
    await trial.thenExpect({ output: 'Hello, Ada!' })
  })

  test('compares the error that it should end with', async () => {
    const fails = (bus: Bus): void =>
      void bus.handle(Greet, () => {
        throw new BuslineError('RATE_LIMITED', 'Too many greetings.')
      })
    const trial = given(fails).when(command(Greet, { name: 'Ada' }))
    await trial.thenThrows({ code: 'RATE_LIMITED', name: 'BuslineError', message: /many/ })
    await given(greeter)
      .when(command(Greet, { name: '' }))
      .thenThrows({ code: 'VALIDATION_FAILED' })
    await given()
      .when(command(Greet, { name: 'Ada' }))
      .thenThrows({ code: 'NO_HANDLER' })

    expect(await rejection(trial.thenThrows({ code: 'NO_HANDLER' }))).toBeInstanceOf(AssertionError)
    expect(await rejection(trial.thenThrows({ message: 'Too many.' }))).toBeInstanceOf(AssertionError)
    expect(await rejection(trial.thenThrows({ message: /few/ }))).toMatchObject({
      actual: 'Too many greetings.',
    })
  })

  test("leaves the bus's own events out unless one of them is expected", async () => {
    const deaf = (bus: Bus): void =>
      void bus.on(
        OrderShipped,
        () => {
          throw new Error('no van')
        },
        { name: 'van' },
      )
    const trial = given(shop(), deaf).when(event(OrderPlaced, { order: 'a' }))
    await trial.thenExpect({ published: [event(OrderShipped, { order: 'a' })] })

    const failed = event(DeliveryFailed, {
      event: { id: 'any', type: OrderShipped.type },
      subscriber: 'van',
      attempt: 1,
      error: { code: 'HANDLER_FAILED', name: 'Error', message: 'no van' },
    })
    expect(await rejection(trial.thenExpect({ published: [failed] }))).toMatchObject({
      actual: [{ type: 'shop.orderShipped' }, { type: 'bus.deliveryFailed', data: { subscriber: 'van' } }],
    })
  })

  test('shows both sides where they differ', async () => {
    const trial = given(greeter).when(command(Greet, { name: 'Ada' }))
    const error = await rejection(trial.thenExpect({ published: [event(Greeted, { name: 'Bob' })] }))

    expect(error).toBeInstanceOf(AssertionError)
    expect(error).toMatchObject({
      message: expect.stringMatching(/published events should be\n[\s\S]*'Bob'[\s\S]*but is\n[\s\S]*'Ada'/),
      actual: [{ type: 'people.greeted', data: { name: 'Ada' } }],
    })
    expect(await rejection(trial.thenExpect({ executed: [command(Greet, { name: 'Ada' })] }))).toMatchObject({
      message: expect.stringContaining('the executed commands'),
    })
  })

  test('says why a command failed that should succeed, and that one succeeded that should fail', async () => {
    const unhandled = given().when(command(Greet, { name: 'Ada' }))
    expect(await rejection(unhandled.thenExpect({ output: 'Hello' }))).toMatchObject({
      message: expect.stringContaining('it failed with NO_HANDLER'),
      cause: { code: 'NO_HANDLER' },
    })
    const handled = given(greeter).when(command(Greet, { name: 'Ada' }))
    expect(await rejection(handled.thenThrows({ code: 'NO_HANDLER' }))).toMatchObject({
      actual: 'Hello, Ada!',
    })
  })

  test('gives up a handler that waits for nothing for two real seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] }).setTimerTickMode('nextTimerAsync')
    onTestFinished(() => void vi.useRealTimers())
    const hangs = (bus: Bus): void => void bus.handle(Greet, () => new Promise(() => undefined))
    const error = await rejection(
      given(hangs)
        .when(command(Greet, { name: 'Ada' }))
        .thenExpect({}),
    )
    expect(error).toMatchObject({ message: 'people.greet never ends: it waits, and no timer is set.' })
  })

  test('rejects with what a participant throws while it joins', async () => {
    const broken = (): never => {
      throw new Error('no configuration')
    }
    const trial = given(broken).when(command(Greet, { name: 'Ada' }))
    await expect(trial.thenThrows({})).rejects.toThrow('no configuration')
  })

  test('takes its types from the definitions', () => {
    const trial = given(greeter).when(command(Greet, { name: 'Ada' }))
    // oxlint-disable-next-line typescript/unbound-method -- only its type is looked at
    expectTypeOf(trial.thenExpect).parameter(0).toHaveProperty('output').toEqualTypeOf<string | undefined>()
    // @ts-expect-error: a greeting is a text
    void (() => trial.thenExpect({ output: 5 }))
    // @ts-expect-error: a name is a text
    void (() => command(Greet, { name: 5 }))
    // @ts-expect-error: an event is no command
    void (() => command(Greeted, { name: 'Ada' }))
  })

  test('is no promise, so that awaiting half of it does nothing', async () => {
    // oxlint-disable-next-line typescript/await-thenable -- what the test is about
    const half = await given(greeter).when(command(Greet, { name: 'Ada' }))
    expect(Object.keys(half)).toEqual(['thenExpect', 'thenThrows'])
  })
})
