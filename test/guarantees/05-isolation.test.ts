// # Isolation
//
// A subscriber that fails reaches nobody else. Its failure becomes a `bus.deliveryFailed` event with event, subscriber
// and attempt; it alone is run again if it asked for that, and then the event goes to the dead letters. No unhandled
// rejection can come from a user's handler.
import { DeliveryFailed, MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { runScript } from '../bus/fixtures/run-script.ts'
import { Greeted } from '../bus/fixtures/greeting.ts'
import { idle } from '../bus/fixtures/promises.ts'

test('a failing subscriber keeps an event from nobody, nor later events from itself', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  bus.on(Greeted, ({ name }) => {
    if (name === 'Ada') throw new Error('no')
    heard.push(`first ${name}`)
  })
  bus.on(Greeted, ({ name }) => void heard.push(`second ${name}`))
  bus.publish(Greeted, { name: 'Ada' })
  bus.publish(Greeted, { name: 'Bob' })
  await idle()

  expect(heard).toEqual(['second Ada', 'first Bob', 'second Bob'])
})

test('a failure is told as bus.deliveryFailed, once for each attempt, and then is a dead letter', async () => {
  const bus = new MessageBus({ random: () => 0 })
  const told: unknown[] = []
  bus.on(DeliveryFailed, ({ subscriber, attempt }) => void told.push([subscriber, attempt]))
  bus.on(Greeted, () => Promise.reject(new Error('no')), { name: 'mailer', retry: 2 })
  const receipt = bus.publish(Greeted, { name: 'Ada' })

  expect(await receipt.settled).toMatchObject({ failed: 1 })
  await idle()
  expect(told).toEqual([
    ['mailer', 1],
    ['mailer', 2],
  ])
  expect(bus.deadLetters.list()).toMatchObject([
    {
      message: receipt.id,
      subscriber: 'mailer',
      attempts: 2,
      data: { name: 'Ada' },
      error: { message: 'no' },
    },
  ])
})

test('only the subscriber that failed is run again', async () => {
  const bus = new MessageBus({ random: () => 0 })
  const ran: string[] = []
  bus.on(Greeted, () => void ran.push('well'), { retry: 3 })
  bus.on(
    Greeted,
    () => {
      ran.push('ill')
      if (ran.length < 4) throw new Error('no')
    },
    { retry: 3 },
  )

  expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 2, failed: 0 })
  expect(ran).toEqual(['well', 'ill', 'ill', 'ill'])
})

test('a redriven dead letter reaches the subscriber that missed it, and no other', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  let broken = true
  bus.on(Greeted, () => void heard.push('other'))
  bus.on(
    Greeted,
    ({ name }) => {
      if (broken) throw new Error('no')
      heard.push(name)
    },
    { name: 'mailer' },
  )
  await bus.publish(Greeted, { name: 'Ada' }).settled
  broken = false
  const [letter] = bus.deadLetters.list()

  expect(await bus.deadLetters.redrive(letter?.id ?? '')).toEqual({ delivered: 1, failed: 0 })
  expect(heard).toEqual(['other', 'Ada'])
  expect(bus.deadLetters.size).toBe(0)
})

test('a process in which everything fails, at once and later, goes on without an unhandled rejection', async () => {
  const script = new URL('../bus/fixtures/fails-everywhere.ts', import.meta.url)

  expect(await runScript(script)).toMatchObject({ code: 0, stdout: 'still here\n' })
})
