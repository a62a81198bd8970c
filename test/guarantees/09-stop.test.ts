// # Stop
//
// Running → draining (calls from outside are refused, those that running work causes are accepted) → settling (nothing
// is queued any more, what runs has until the deadline) → cancelling (signals) → flushing → stopped. It returns
// `{ completed, abandoned, timedOut }` and is idempotent.
import { MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Carry, Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from '../bus/fixtures/promises.ts'

test('ten thousand queued events are delivered, not dropped', async () => {
  const bus = new MessageBus()
  let heard = 0
  bus.on(Greeted, async () => {
    await Promise.resolve()
    heard++
  })
  for (let n = 0; n < 10_000; n++) bus.publish(Greeted, { name: 'Ada' })

  expect(await bus.stop()).toEqual({ completed: 10_000, abandoned: [], timedOut: false })
  expect(heard).toBe(10_000)
})

test('while it drains, calls from outside are refused and those of running work accepted', async () => {
  const bus = new MessageBus()
  const gate = deferred()
  bus.handle(Carry, (input) => input)
  bus.handle(Greet, async ({ name }, scope) => {
    await gate.promise
    return String(await scope.execute(Carry, name))
  })
  const greeting = bus.execute(Greet, { name: 'Ada' })
  const stopping = bus.stop()

  expect(await rejection(bus.execute(Carry, 1))).toMatchObject({ code: 'BUS_STOPPED' })
  expect(thrownBy(() => bus.publish(Greeted, { name: 'Bob' }))).toMatchObject({ code: 'BUS_STOPPED' })
  gate.resolve()
  expect(await greeting).toBe('Ada')
  expect(await stopping).toMatchObject({ completed: 2, timedOut: false })
})

test('at the deadline signals are aborted; what does not end then is abandoned and named', async () => {
  const bus = new MessageBus()
  const cleaned: string[] = []
  bus.handle(Greet, async ({ name }, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    cleaned.push(name)
    throw signal.reason
  })
  bus.handle(Carry, () => new Promise(() => undefined))
  const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
  const carrying = rejection(bus.execute(Carry, 1))
  const report = await bus.stop({ deadline: 5 })

  expect(cleaned).toEqual(['Ada'])
  expect(await greeting).toMatchObject({ code: 'CANCELLED' })
  expect(await carrying).toMatchObject({ code: 'ABANDONED' })
  expect(report).toMatchObject({ completed: 1, abandoned: [{ type: 'things.carry' }], timedOut: true })
})

test('it goes through its states in order, and ends in stopped', async () => {
  const bus = new MessageBus()
  const states: string[] = []
  const note = (): void => void states.push(bus.state)
  bus.attach(() => note)
  bus.on(Greeted, async ({ name }, { signal }) => {
    note()
    signal.addEventListener('abort', note)
    if (name === 'last') await new Promise((resolve) => signal.addEventListener('abort', resolve))
    else await idle(1)
  })
  bus.publish(Greeted, { name: 'first' })
  await Promise.resolve()
  bus.publish(Greeted, { name: 'second' })
  bus.publish(Greeted, { name: 'last' })
  await bus.stop({ deadline: 20 })
  note()

  expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
    'running',
    'draining',
    'settling',
    'cancelling',
    'flushing',
    'stopped',
  ])
})

test('a second stop is the same stop', async () => {
  const bus = new MessageBus()

  expect(bus.stop()).toBe(bus.stop())
  await bus[Symbol.asyncDispose]()
  expect(bus.state).toBe('stopped')
})
