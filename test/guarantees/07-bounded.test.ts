// # Bounded
//
// Mailboxes, iterators and dead letters have limits with a stated policy, and every drop is recorded. `wait` is for
// publishers outside of deliveries, who await `receipt.accepted`; inside a delivery a full mailbox rejects.
import { MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'
import { recordedBus, recordsOf } from '../bus/fixtures/recorded-bus.ts'

const NAMES = ['Ada', 'Bob', 'Cyd', 'Dan']

test.each([
  { overflow: 'reject' as const, heard: ['Ada', 'Bob'], dropped: ['Cyd', 'Dan'] },
  { overflow: 'drop-newest' as const, heard: ['Ada', 'Bob'], dropped: ['Cyd', 'Dan'] },
  { overflow: 'drop-oldest' as const, heard: ['Cyd', 'Dan'], dropped: ['Ada', 'Bob'] },
  { overflow: 'coalesce' as const, heard: ['Ada', 'Dan'], dropped: ['Bob', 'Cyd'] },
])('a full mailbox with $overflow, and the journal names each drop', async ({ overflow, heard, dropped }) => {
  const { bus, journal } = recordedBus()
  const got: string[] = []
  bus.on(Greeted, ({ name }) => void got.push(name), { name: 'slow', mailbox: { capacity: 2, overflow } })
  const receipts = NAMES.map((name) => ({ name, receipt: bus.publish(Greeted, { name }) }))
  await idle()

  expect(got).toEqual(heard)
  const reports = await Promise.all(
    receipts.map(async ({ name, receipt }) => [name, await receipt.settled] as const),
  )
  expect(reports.filter(([, report]) => report.dropped === 1).map(([name]) => name)).toEqual(dropped)
  expect(recordsOf(journal, 'note', 'bus.dropped')).toHaveLength(2)
  expect(recordsOf(journal, 'note', 'bus.dropped')).toMatchObject([
    { data: { subscriber: 'slow', overflow } },
    {},
  ])
})

test('with wait, accepted resolves when there is room', async () => {
  const bus = new MessageBus()
  const gates = [deferred(), deferred()]
  bus.on(Greeted, ({ name }) => gates[Number(name)]?.promise, { mailbox: { capacity: 1, overflow: 'wait' } })
  bus.publish(Greeted, { name: '0' })
  await idle()
  bus.publish(Greeted, { name: '1' })
  const third = bus.publish(Greeted, { name: '2' })
  let accepted = false
  void third.accepted.then(() => (accepted = true))
  await idle()
  expect(accepted).toBe(false)

  gates[0]?.resolve()
  await third.accepted
  gates[1]?.resolve()
  expect(await third.settled).toMatchObject({ delivered: 1 })
})

test('with wait, inside a delivery a full mailbox rejects and nothing hangs', async () => {
  const bus = new MessageBus()
  const refused: unknown[] = []
  bus.on(
    Greeted,
    async ({ name }, scope) => {
      if (name !== 'Ada') return
      scope.publish(Greeted, { name: 'Bob' })
      refused.push(await rejection(scope.publish(Greeted, { name: 'Cyd' }).accepted))
    },
    { mailbox: { capacity: 1, overflow: 'wait' } },
  )
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(refused).toMatchObject([{ code: 'MAILBOX_FULL' }])
})

test('an iterator that is not read keeps its buffer and no more, and says what it missed', async () => {
  const bus = new MessageBus()
  const events = bus.events(Greeted, { buffer: 2 })
  for (const name of NAMES) bus.publish(Greeted, { name })
  await idle()

  expect(await events.next()).toEqual({ done: false, value: { name: 'Ada' } })
  expect(await events.next()).toEqual({ done: false, value: { name: 'Bob' } })
  expect(await rejection(events.next())).toMatchObject({ code: 'MAILBOX_FULL' })
})

test('dead letters beyond their number push out the oldest, and the journal says so', async () => {
  const { bus, journal } = recordedBus({ deadLetters: { capacity: 2 } })
  bus.on(Greeted, () => {
    throw new Error('no')
  })
  for (const name of NAMES) bus.publish(Greeted, { name })
  await idle()

  expect(bus.deadLetters.list().map(({ data }) => data)).toEqual([{ name: 'Cyd' }, { name: 'Dan' }])
  expect(recordsOf(journal, 'note', 'bus.deadLetterDropped')).toHaveLength(2)
})
