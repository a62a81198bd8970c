// # One handler
//
// A command goes to exactly one handler. A second one for the same scope is refused, naming both places. A session's
// handler shadows the bus's for that session. Without a handler the promise is rejected, and the journal has it.
import { MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Greet } from '../bus/fixtures/greeting.ts'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { recordedBus } from '../bus/fixtures/recorded-bus.ts'

test('a command runs its one handler and resolves to its result', async () => {
  const bus = new MessageBus()
  const ran: string[] = []
  bus.handle(Greet, ({ name }) => {
    ran.push(name)
    return `hello ${name}`
  })

  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello Ada')
  expect(ran).toEqual(['Ada'])
})

test('a second handler is refused with DUPLICATE_HANDLER, which names both places', () => {
  const bus = new MessageBus()
  bus.handle(Greet, () => 'first')

  expect(thrownBy(() => bus.handle(Greet, () => 'second'))).toMatchObject({
    code: 'DUPLICATE_HANDLER',
    data: {
      first: expect.stringMatching(/01-one-handler\.test\.ts:\d+/),
      second: expect.stringMatching(/01-one-handler\.test\.ts:\d+/),
    },
  })
})

test("a session's handler stands before the bus's, for that session only and until it leaves", async () => {
  const bus = new MessageBus()
  bus.handle(Greet, () => 'from the bus')
  const session = bus.session('s1')
  session.handle(Greet, () => 'from the session')

  expect(await session.execute(Greet, { name: 'Ada' })).toBe('from the session')
  expect(await bus.session('s2').execute(Greet, { name: 'Ada' })).toBe('from the bus')
  session.dispose()
  expect(await bus.session('s1').execute(Greet, { name: 'Ada' })).toBe('from the bus')
})

test('a command that nobody handles is rejected with NO_HANDLER, and the journal has it', async () => {
  const { bus, journal } = recordedBus()

  expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'NO_HANDLER' })
  expect(journal.records.slice(1)).toMatchObject([
    { kind: 'command', type: 'people.greet', id: 'run-1' },
    { kind: 'result', of: 'run-1', status: 'error', error: { code: 'NO_HANDLER' } },
  ])
})
