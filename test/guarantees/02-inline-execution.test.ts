// # Inline execution
//
// `scope.execute` runs the handler as a child of the caller: it inherits session, turn, signal and deadline, and it
// rejects with the handler's own error object. Execute and publish, nested to any depth that is allowed, never
// deadlock. Waiting on oneself is an error, not a hang, and so is a recursion that does not end.
import { MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Carried, Carry, Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { recordedBus } from '../bus/fixtures/recorded-bus.ts'

test('a command executed in a handler is its child: ids, session, deadline and signal come from it', async () => {
  const { bus, journal } = recordedBus()
  const seen: unknown[] = []
  bus.handle(Greet, async ({ name }, scope) => {
    await scope.execute(Carry, name)
    return String(scope.deadline)
  })
  bus.handle(Carry, (name, { message, session, deadline, signal }) => {
    seen.push({ cause: message.cause, root: message.root, session, deadline, aborted: signal.aborted })
    return name
  })
  const result = await bus.session('s1').execute(Greet, { name: 'Ada' }, { timeout: 500 })

  expect(result).toBe('1500')
  expect(seen).toEqual([{ cause: 'run-1', root: 'run-1', session: 's1', deadline: 1500, aborted: false }])
  expect(journal.records.find(({ type, kind }) => kind === 'command' && type === 'things.carry')?.id).toBe(
    'run-1.1',
  )
})

test('cancelling a command cancels what it executes', async () => {
  const bus = new MessageBus()
  const controller = new AbortController()
  const cancelled = deferred<unknown>()
  bus.handle(Greet, async (_, scope) => String(await scope.execute(Carry, 1)))
  bus.handle(Carry, (_, { signal }) => {
    signal.addEventListener('abort', () => cancelled.resolve(signal.reason))
    return cancelled.promise.then(() => Promise.reject(signal.reason))
  })
  const greeting = rejection(bus.execute(Greet, { name: 'Ada' }, { signal: controller.signal }))
  controller.abort()

  expect(await cancelled.promise).toMatchObject({ code: 'CANCELLED' })
  expect(await greeting).toMatchObject({ code: 'CANCELLED' })
})

test("the caller gets the handler's own error object", async () => {
  const bus = new MessageBus()
  const mine = new RangeError('mine')
  bus.handle(Carry, () => Promise.reject(mine))
  bus.handle(Greet, async (_, scope) => String(await scope.execute(Carry, 1)))

  expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toBe(mine)
})

test('commands and awaited events nested a hundred deep end', async () => {
  const bus = new MessageBus()
  const depths: number[] = []
  bus.handle(Carry, async (depth, scope) => {
    if (Number(depth) < 50) await scope.publish(Carried, Number(depth) + 1).settled
    return depth
  })
  bus.on(
    Carried,
    async (depth, scope) => {
      depths.push(Number(depth))
      await scope.execute(Carry, depth)
    },
    { key: ({ id }) => id },
  )
  await bus.execute(Carry, 0)

  expect(depths).toHaveLength(50)
})

test('awaiting an event inside the delivery that it comes after is SELF_WAIT', async () => {
  const bus = new MessageBus()
  const thrown: unknown[] = []
  bus.on(Greeted, ({ name }, scope) => {
    if (name === 'Ada') thrown.push(thrownBy(() => scope.publish(Greeted, { name: 'Bob' }).settled))
  })
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(thrown).toMatchObject([{ code: 'SELF_WAIT' }])
})

test('commands that execute each other in a circle end with TOO_DEEP, which names the circle', async () => {
  const bus = new MessageBus()
  bus.handle(Greet, async ({ name }, scope) => String(await scope.execute(Carry, name)))
  bus.handle(Carry, (name, scope) => scope.execute(Greet, { name: String(name) }))

  expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({
    code: 'TOO_DEEP',
    data: { cycle: ['people.greet', 'things.carry', 'people.greet'] },
  })
})
