import { MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import { Greeted } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'

describe('accepted', () => {
  test('resolves at once where there is room, also for an event that nobody hears', async () => {
    const bus = new MessageBus()
    const before = bus.publish(Greeted, { name: 'Ada' })
    bus.on(Greeted, () => new Promise(() => undefined))
    const receipt = bus.publish(Greeted, { name: 'Ada' })

    expect(await before.accepted).toBeUndefined()
    expect(await receipt.accepted).toBeUndefined()
  })

  test('says the same to everybody who asks, early or late', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, () => undefined, { name: 'small', mailbox: { capacity: 1 } })
    bus.publish(Greeted, { name: 'Ada' })
    const receipt = bus.publish(Greeted, { name: 'Bob' })
    const early = await rejection(receipt.accepted)
    await receipt.settled

    expect(await rejection(receipt.accepted)).toBe(early)
    expect(early).toMatchObject({ code: 'MAILBOX_FULL', data: { subscriber: 'small' } })
  })

  test('of an event that was taken stays resolved when it is displaced later', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, () => undefined, { mailbox: { capacity: 1, overflow: 'drop-oldest' } })
    const receipt = bus.publish(Greeted, { name: 'Ada' })
    await receipt.accepted
    // Again before the first delivery could begin: that began in the microtask above.
    const first = bus.publish(Greeted, { name: 'Bob' })
    const { accepted } = first
    bus.publish(Greeted, { name: 'Cyd' })

    expect(await accepted).toBeUndefined()
    expect(await first.settled).toEqual({ delivered: 0, failed: 0, skipped: 0, dropped: 1 })
  })

  test('waits for every mailbox that has no room yet', async () => {
    const bus = new MessageBus()
    const gates = [deferred(), deferred()]
    for (const gate of gates)
      bus.on(Greeted, () => gate.promise, { mailbox: { capacity: 1, overflow: 'wait' } })
    bus.publish(Greeted, { name: '1' })
    await idle()
    bus.publish(Greeted, { name: '2' })
    let accepted = false
    const receipt = bus.publish(Greeted, { name: '3' })
    void receipt.accepted.then(() => (accepted = true))
    gates[0]?.resolve()
    await idle()
    expect(accepted).toBe(false)

    gates[1]?.resolve()
    await receipt.accepted
    expect(await receipt.settled).toMatchObject({ delivered: 2 })
  })
})

describe('settled', () => {
  test('counts each of its deliveries once, by how it ended', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    bus.on(Greeted, () => gate.promise)
    bus.on(Greeted, () => undefined)
    bus.on(Greeted, () => Promise.reject(new Error('no')))
    bus.on(Greeted, () => undefined, { mailbox: { capacity: 1, overflow: 'drop-newest' } })
    const off = bus.on(Greeted, () => undefined)
    bus.publish(Greeted, { name: 'Ada' })
    const { settled } = bus.publish(Greeted, { name: 'Bob' })
    off()
    gate.resolve()

    expect(await settled).toEqual({ delivered: 2, failed: 1, skipped: 1, dropped: 1 })
  })

  test('resolves where every mailbox dropped it at once', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    bus.on(Greeted, () => stuck.promise, { mailbox: { capacity: 1 } })
    bus.publish(Greeted, { name: 'Ada' })
    await idle()
    bus.publish(Greeted, { name: 'Bob' })

    expect(await bus.publish(Greeted, { name: 'Cyd' }).settled).toEqual({
      delivered: 0,
      failed: 0,
      skipped: 0,
      dropped: 1,
    })
    stuck.resolve()
  })

  test('counts what a middleware held back as skipped, and what it parked as failed', async () => {
    const bus = new MessageBus()
    bus.use((_, next, { session }) => (session === 'quiet' ? undefined : next()))
    bus.on(Greeted, () => Promise.reject(new Error('no')), { park: true, key: () => 'all' })

    expect(await bus.session('quiet').publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ skipped: 1 })
    expect(await bus.publish(Greeted, { name: 'Bob' }).settled).toMatchObject({ failed: 1 })
    expect(await bus.session('quiet').publish(Greeted, { name: 'Cyd' }).settled).toMatchObject({ failed: 1 })
  })

  test('does not count a later redriving: how it ended stays as it was', async () => {
    const bus = new MessageBus()
    let broken = true
    bus.on(Greeted, () => {
      if (broken) throw new Error('no')
    })
    const receipt = bus.publish(Greeted, { name: 'Ada' })
    await receipt.settled
    broken = false
    await bus.deadLetters.redrive(bus.deadLetters.list()[0]?.id ?? '')

    expect(await receipt.settled).toEqual({ delivered: 0, failed: 1, skipped: 0, dropped: 0 })
  })
})
