// # Record before effect
//
// A command's line is in the journal before its handler runs, an event's before its delivery, and durable before
// anything outside is touched. Each command has exactly one terminal record. A command without one after a restart was
// interrupted, and readers say so.
import { memoryJournal, MessageBus, spansOf } from 'busline'
import { expect, test } from 'vitest'
import { Greet, Greeted, Pay } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'
import { recordedBus, recordsOf } from '../bus/fixtures/recorded-bus.ts'

test("a handler finds its command's line in the journal, a subscriber its event's", async () => {
  const { bus, journal } = recordedBus()
  const found: unknown[] = []
  bus.handle(Greet, (_, { message }) => {
    found.push(journal.records.at(-1)?.id === message.id)
    return 'hello'
  })
  bus.on(Greeted, (_, { message }) => void found.push(journal.records.some(({ id }) => id === message.id)))
  await bus.execute(Greet, { name: 'Ada' })
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(found).toEqual([true, true])
})

test('the journal is flushed before an effect begins', async () => {
  const flushed = deferred()
  const story: string[] = []
  const bus = new MessageBus({
    journal: { ...memoryJournal(), flush: () => flushed.promise.then(() => void story.push('flushed')) },
  })
  bus.handle(Pay, () => {
    story.push('paid')
    return 'receipt'
  })
  const paying = bus.execute(Pay, { amount: 1 })
  await idle()
  expect(story).toEqual([])

  flushed.resolve()
  await paying
  expect(story).toEqual(['flushed', 'paid'])
})

test('a journal that can not be written fails an effect before it begins', async () => {
  const bus = new MessageBus({
    journal: { ...memoryJournal(), flush: () => Promise.reject(new Error('ENOSPC')) },
  })
  let paid = false
  bus.handle(Pay, () => {
    paid = true
    return 'receipt'
  })

  expect(await rejection(bus.execute(Pay, { amount: 1 }))).toMatchObject({ code: 'JOURNAL_FAILED' })
  expect(paid).toBe(false)
})

test('every command has one terminal record: done, failed, refused, unhandled, cancelled or abandoned', async () => {
  const { bus, journal } = recordedBus()
  const stuck = deferred<string>()
  bus.handle(Greet, ({ name }) => {
    if (name === 'fail') throw new Error('no')
    return name === 'hang' ? stuck.promise : 'hello'
  })
  const { signal } = Object.assign(new AbortController(), {})
  const aborted = AbortSignal.abort()
  await bus.execute(Greet, { name: 'Ada' }, { signal })
  await rejection(bus.execute(Greet, { name: 'fail' }))
  await rejection(bus.execute(Greet, { name: '' }))
  await rejection(bus.execute(Pay, { amount: 1 }))
  await rejection(bus.execute(Greet, { name: 'Ada' }, { signal: aborted }))
  const hanging = rejection(bus.execute(Greet, { name: 'hang' }))
  await bus.stop({ deadline: 0 })
  await hanging

  const results = recordsOf(journal, 'result').map(({ of, status, error }) => [of, status, error?.code])
  expect(results).toEqual([
    ['run-1', 'ok', undefined],
    ['run-2', 'error', 'HANDLER_FAILED'],
    ['run-3', 'error', 'VALIDATION_FAILED'],
    ['run-4', 'error', 'NO_HANDLER'],
    ['run-5', 'cancelled', 'CANCELLED'],
    ['run-6', 'cancelled', 'ABANDONED'],
  ])
})

test('a command without a terminal record reads as interrupted', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Greet, () => new Promise(() => undefined))
  void bus.execute(Greet, { name: 'Ada' })

  expect(await spansOf(journal.records)).toMatchObject([{ name: 'people.greet', status: 'interrupted' }])
})
