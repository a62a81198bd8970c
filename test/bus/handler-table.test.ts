import { MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Greet } from './fixtures/greeting.ts'
import { thrownBy } from './fixtures/promises.ts'

const hello = ({ name }: { name: string }): string => `hello ${name}`
const goodbye = ({ name }: { name: string }): string => `goodbye ${name}`

test('a command runs its handler and resolves to the result', async () => {
  const bus = new MessageBus()
  bus.handle(Greet, hello)

  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
})

test('a second handler on the bus is refused, naming both handlers and both places', () => {
  const bus = new MessageBus()
  bus.handle(Greet, hello)

  const error = thrownBy(() => bus.handle(Greet, goodbye))

  expect(error).toMatchObject({
    code: 'DUPLICATE_HANDLER',
    message: expect.stringMatching(
      /people\.greet.*hello.*handler-table\.test\.ts:\d+.*goodbye.*handler-table\.test\.ts:\d+/,
    ),
    data: { type: 'people.greet' },
  })
  expect(error).toHaveProperty('data.first', expect.stringContaining('handler-table.test.ts:'))
  expect(error).toHaveProperty('data.second', expect.stringContaining('handler-table.test.ts:'))
  expect(error).not.toHaveProperty('data.first', Object(error).data.second)
})

test('a refused handler leaves the first in its place', async () => {
  const bus = new MessageBus()
  bus.handle(Greet, hello)
  expect(() => bus.handle(Greet, goodbye)).toThrow('people.greet')

  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
})

test('a handler registered through an attached participant is refused naming the participant, not the bus', () => {
  const bus = new MessageBus()
  bus.attach((view) => void view.handle(Greet, hello))

  expect(() => bus.attach((view) => void view.handle(Greet, goodbye))).toThrow(
    /registered at .*handler-table\.test\.ts.*, at .*handler-table\.test\.ts/,
  )
})

test("a session's handler shadows the bus's for that session only", async () => {
  const bus = new MessageBus()
  bus.handle(Greet, hello)
  using session = bus.session('s1')
  using other = bus.session('s2')
  session.handle(Greet, goodbye)

  expect(await session.execute(Greet, { name: 'Ada' })).toBe('goodbye Ada')
  expect(await other.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
})

test('a second handler on one session is refused, also from another scope with the same id', () => {
  const bus = new MessageBus()
  bus.session('s1').handle(Greet, hello)

  expect(() => bus.session('s1').handle(Greet, goodbye)).toThrow('session s1')
})

test("removing a session's handler uncovers the bus's", async () => {
  const bus = new MessageBus()
  bus.handle(Greet, hello)
  using session = bus.session('s1')
  const off = session.handle(Greet, goodbye)
  off()

  expect(await session.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
})

test('a removed handler answers no more, and its place is free', async () => {
  const bus = new MessageBus()
  const off = bus.handle(Greet, hello)
  off()
  await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'NO_HANDLER' })

  bus.handle(Greet, goodbye)
  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('goodbye Ada')
})

test('undoing twice does not remove the successor', async () => {
  const bus = new MessageBus()
  const off = bus.handle(Greet, hello)
  off()
  bus.handle(Greet, goodbye)
  off()

  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('goodbye Ada')
})

test('the undo runs at the end of a using block', async () => {
  const bus = new MessageBus()
  {
    using _off = bus.handle(Greet, hello)
    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
  }

  await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'NO_HANDLER' })
})
