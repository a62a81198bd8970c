// # Cost
//
// A synchronous subscriber allocates no promise. The cost of publishing does not depend on handlers of other types.
// Isolation is not a mode. (How much that is in events per second: `npm run bench`.)
import { MessageBus } from 'busline'
import { createHook } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { Greeted, Moved } from '../bus/fixtures/greeting.ts'

/** How many promises are made while something runs, and in the microtask after it. */
function promisesMadeBy(work: () => void): Promise<number> {
  let made = 0
  const hook = createHook({
    init: (_, kind) => {
      if (kind === 'PROMISE') made++
    },
  })
  return new Promise((resolve) => {
    // In a turn of its own, where nobody else awaits anything.
    setImmediate(() => {
      hook.enable()
      work()
      queueMicrotask(() => {
        hook.disable()
        resolve(made)
      })
    })
  })
}

test('publishing to synchronous subscribers makes no promise, neither at once nor when it delivers', async () => {
  const bus = new MessageBus()
  let heard = 0
  for (let n = 0; n < 10; n++) bus.on(Greeted, () => void heard++)

  expect(await promisesMadeBy(() => bus.publish(Greeted, { name: 'Ada' }))).toBe(0)
  expect(heard).toBe(10)
})

test('the count of promises can fail: a subscriber that makes one is seen', async () => {
  const bus = new MessageBus()
  bus.on(Greeted, () => Promise.resolve())

  expect(await promisesMadeBy(() => bus.publish(Greeted, { name: 'Ada' }))).toBeGreaterThan(0)
})

test('a thousand subscribers of other types are not looked at', async () => {
  const bus = new MessageBus()
  let asked = 0
  for (let n = 0; n < 1000; n++) {
    bus.on(Moved, () => undefined, {
      key: ({ id }) => {
        asked++
        return id
      },
    })
  }
  bus.on(Greeted, () => undefined)
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(asked).toBe(0)
})

test('a subscriber that throws beside one that does not needs no option to reach nobody', async () => {
  const bus = new MessageBus()
  bus.on(Greeted, () => {
    throw new Error('no')
  })
  bus.on(Greeted, () => undefined)

  expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1, failed: 1 })
})
