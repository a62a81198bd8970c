// # Disposal
//
// Everything registered in a scope leaves with it: handlers, subscribers, waits, iterators, timers, abort links. Ten
// thousand sessions leave nothing behind.
import { MessageBus } from 'busline'
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { runScript } from '../bus/fixtures/run-script.ts'
import { waitingTimers } from '../bus/fixtures/waiting-timers.ts'

test('a disposed session handles, hears and awaits nothing, and holds on to no signal', async () => {
  const bus = new MessageBus()
  const { signal } = new AbortController()
  const session = bus.session('s1', { signal })
  const heard: string[] = []
  session.handle(Greet, () => 'hello')
  session.on(Greeted, ({ name }) => void heard.push(name))
  const waiting = rejection(session.waitFor(Greeted, { signal, timeout: 60_000 }))
  const events = session.events(Greeted, { signal })
  session.dispose()
  await bus.session('s1').publish(Greeted, { name: 'Ada' }).settled

  expect(heard).toEqual([])
  expect(await waiting).toMatchObject({ code: 'SCOPE_DISPOSED' })
  expect(await events.next()).toEqual({ done: true, value: undefined })
  expect(await rejection(bus.session('s1').execute(Greet, { name: 'Ada' }))).toMatchObject({
    code: 'NO_HANDLER',
  })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('what a participant registered leaves when it is detached', async () => {
  const timers = waitingTimers()
  const bus = new MessageBus()
  const detach = bus.attach((view) => {
    view.handle(Greet, () => 'hello')
    view.after(60_000, () => undefined)
  })
  expect(timers()).toBe(1)
  detach()

  expect(timers()).toBe(0)
  expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'NO_HANDLER' })
})

test('nothing begins to be delivered after an unsubscribe', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  const off = bus.on(Greeted, ({ name }) => void heard.push(name))
  const receipt = bus.publish(Greeted, { name: 'Ada' })
  off()

  expect(await receipt.settled).toMatchObject({ delivered: 0, skipped: 1 })
  expect(heard).toEqual([])
})

test('ten thousand sessions with ten subscriptions each leave the heap within 2 MB and no timer', async () => {
  const script = new URL('./fixtures/ten-thousand-sessions.ts', import.meta.url)
  const { stdout, stderr } = await runScript(script, { nodeOptions: ['--expose-gc'] })

  expect(stderr).toBe('')
  const { heard, grownBytes, timers, listeners } = JSON.parse(stdout)
  expect(heard).toBe(100_000)
  expect(grownBytes).toBeLessThan(2 * 1024 * 1024)
  expect({ timers, listeners }).toEqual({ timers: 0, listeners: 0 })
})
