import { defineCommand, defineEvent, MessageBus, type Receipt, type Scope } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle, thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const empty = { data: z.object({}) }
const A = defineEvent('test.a', empty)
const B = defineEvent('test.b', empty)
const C = defineEvent('test.c', empty)
const Work = defineCommand('test.work', { input: z.object({}), output: z.string() })

describe('a receipt', () => {
  test('is no promise: it has the id of the record, and awaiting it gives it back', async () => {
    const { bus, journal } = recordedBus()
    const receipt = bus.publish(Greeted, { name: 'Ada' })

    expect(receipt).not.toHaveProperty('then')
    expect(receipt.id).toBe(recordsOf(journal, 'event')[0]?.id)
    expect(await receipt.accepted).toBeUndefined()
  })

  test('settles at once where nobody listens', async () => {
    expect(await new MessageBus().publish(Greeted, { name: 'Ada' }).settled).toEqual({
      delivered: 0,
      failed: 0,
      skipped: 0,
      dropped: 0,
    })
  })

  test('settles when the last of its own deliveries has ended, and not before', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    bus.on(Greeted, () => undefined)
    bus.on(Greeted, () => gate.promise)
    let settled = false
    const settling = bus.publish(Greeted, { name: 'Ada' }).settled.then(() => (settled = true))

    await idle()
    expect(settled).toBe(false)
    gate.resolve()
    await settling
  })

  test('does not wait for events that its deliveries publish', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    bus.on(A, (_, scope) => void scope.publish(B, {}))
    bus.on(B, () => stuck.promise)

    expect(await bus.publish(A, {}).settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    stuck.resolve()
  })

  test('never rejects: failures are counted', async () => {
    const bus = new MessageBus()
    bus.on(A, () => Promise.reject(new Error('no')))
    bus.on('**', () => {
      throw new Error('no')
    })

    expect(await bus.publish(A, {}).settled).toEqual({ delivered: 0, failed: 2, skipped: 0, dropped: 0 })
  })

  test('gives the same promise again, also when it has settled', async () => {
    const bus = new MessageBus()
    bus.on(A, () => undefined)
    const receipt = bus.publish(A, {})
    const { settled } = receipt

    expect(receipt.settled).toBe(settled)
    await settled
    expect(receipt.settled).toBe(settled)
    expect(await receipt.settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
  })
})

describe('waiting for oneself is SELF_WAIT, not a hang:', () => {
  test('for an event that the same subscriber gets after this delivery', async () => {
    const { errors, bus } = watched()
    const listener = (_: unknown, scope: Scope): void => {
      if (!scope.cause) errors.push(thrownBy(() => scope.publish(B, {}).settled))
    }
    bus.on([A, B], listener)
    await bus.publish(A, {}).settled

    expect(errors).toMatchObject([
      { code: 'SELF_WAIT', data: { event: 'run-1.1', inside: 'run-1', subscriber: 'listener' } },
    ])
  })

  test('through a command that the delivery executes', async () => {
    const { errors, bus } = watched()
    bus.handle(Work, (_, scope) => {
      errors.push(thrownBy(() => scope.publish(A, {}).settled))
      return ''
    })
    bus.on(A, async (_, scope) => {
      if (!scope.cause) await scope.execute(Work, {})
    })
    await bus.publish(A, {}).settled

    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('through a command that a command executes', async () => {
    const { errors, bus } = watched()
    const Inner = defineCommand('test.inner', { input: z.object({}), output: z.string() })
    bus.handle(Work, (_, scope) => scope.execute(Inner, {}))
    bus.handle(Inner, (_, scope) => {
      errors.push(thrownBy(() => scope.publish(A, {}).settled))
      return ''
    })
    bus.on(A, async (_, scope) => {
      if (!scope.cause) await scope.execute(Work, {})
    })
    await bus.publish(A, {}).settled

    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('through a chain of two subscribers that wait for each other', async () => {
    const { errors, bus } = watched()
    bus.on(A, async (_, scope) => {
      if (!scope.cause) await scope.publish(B, {}).settled
    })
    bus.on(B, (_, scope) => {
      errors.push(thrownBy(() => scope.publish(A, {}).settled))
    })

    expect(await bus.publish(A, {}).settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('through a chain of three, over another key between', async () => {
    const { errors, bus } = watched()
    bus.on(A, async (_, scope) => {
      if (!scope.cause) await scope.publish(Moved, { key: 'elsewhere', n: 1 }).settled
    })
    bus.on(Moved, async (_, scope) => {
      await scope.publish(C, {}).settled
    })
    bus.on(C, (_, scope) => {
      errors.push(thrownBy(() => scope.publish(A, {}).settled))
    })
    await bus.publish(A, {}).settled

    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('whichever of the two begins to wait last', async () => {
    const { errors, bus } = watched()
    const secondWaits = deferred()
    bus.on(A, async (_, scope) => {
      if (scope.cause) return
      const receipt = scope.publish(B, {})
      await secondWaits.promise
      errors.push(thrownBy(() => receipt.settled))
    })
    bus.on(B, async (_, scope) => {
      const waiting = scope.publish(A, {}).settled
      secondWaits.resolve()
      await waiting
    })

    expect(await bus.publish(A, {}).settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('whichever begins to wait last, also while an event has only just been published', async () => {
    const { errors, bus } = watched()
    bus.on(A, async (_, scope) => {
      if (scope.cause) return
      const receipt = scope.publish(B, {})
      await receipt.accepted
      errors.push(thrownBy(() => receipt.settled))
    })
    bus.on(B, async (_, scope) => {
      await scope.publish(A, {}).settled
    })

    expect(await bus.publish(A, {}).settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('for an event that stands behind another one that waits', async () => {
    const { errors, bus } = watched()
    bus.on(A, async (_, scope) => {
      if (scope.cause) return
      scope.publish(B, {})
      await scope.publish(B, {}).settled
    })
    bus.on(B, (_, scope) => {
      if (errors.length === 0) errors.push(thrownBy(() => scope.publish(A, {}).settled))
    })

    expect(await bus.publish(A, {}).settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('and what the alarm was raised about is delivered all the same', async () => {
    const { bus } = watched()
    const heard: string[] = []
    bus.on(A, (_, scope) => {
      heard.push(scope.message.id)
      if (!scope.cause) thrownBy(() => scope.publish(A, {}).settled)
    })
    bus.publish(A, {})
    await idle()

    expect(heard).toEqual(['run-1', 'run-1.1'])
  })
})

describe('there is no alarm', () => {
  test('for a reader outside of any delivery, while subscribers are busy', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    bus.on(A, () => gate.promise)
    bus.publish(A, {})
    await idle()
    const { settled } = bus.publish(A, {})
    gate.resolve()

    expect(await settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
  })

  test('when a delivery waits for an event that only others get', async () => {
    const bus = new MessageBus()
    const reports: unknown[] = []
    bus.on(A, async (_, scope) => {
      reports.push(await scope.publish(B, {}).settled)
    })
    bus.on(B, () => idle(1))
    await bus.publish(A, {}).settled

    expect(reports).toEqual([{ delivered: 1, failed: 0, skipped: 0, dropped: 0 }])
  })

  test('when the same subscriber gets it on another key', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.on(Moved, async ({ key }, scope) => {
      heard.push(key)
      if (key === 'a') await scope.publish(Moved, { key: 'b', n: 1 }).settled
      heard.push(`${key} ends`)
    })
    await bus.publish(Moved, { key: 'a', n: 1 }).settled

    expect(heard).toEqual(['a', 'b', 'b ends', 'a ends'])
  })

  test('when the receipt is read inside the delivery, but waited for after it', async () => {
    const bus = new MessageBus()
    let receipt: Receipt | undefined
    bus.on(A, (_, scope) => {
      if (!scope.cause) receipt = scope.publish(A, {})
    })
    await bus.publish(A, {}).settled

    expect(await receipt?.settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
  })

  test('when a subscriber waits for an event whose other receivers wait for nothing of its own', async () => {
    const bus = new MessageBus()
    const reports: unknown[] = []
    bus.on(A, async (_, scope) => {
      reports.push(await scope.publish(B, {}).settled)
    })
    bus.on(B, async (_, scope) => {
      reports.push(await scope.publish(C, {}).settled)
    })
    bus.on(C, () => idle(1))
    await bus.publish(A, {}).settled

    expect(reports).toEqual([
      { delivered: 1, failed: 0, skipped: 0, dropped: 0 },
      { delivered: 1, failed: 0, skipped: 0, dropped: 0 },
    ])
  })

  test('about an event that the same subscriber does not get, because its mailbox is full', async () => {
    const bus = new MessageBus()
    const reports: unknown[] = []
    bus.on(
      [A, B],
      async (_, scope) => {
        if (scope.message.type !== A.type) return
        scope.publish(B, {})
        reports.push(await scope.publish(B, {}).settled)
      },
      { mailbox: { capacity: 1 } },
    )
    bus.on(B, () => idle(1))
    await bus.publish(A, {}).settled

    expect(reports).toEqual([{ delivered: 1, failed: 0, skipped: 0, dropped: 1 }])
  })

  test('in a publisher whose event is redriven meanwhile: it does not wait for that', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    const [publisher, redriven] = [deferred(), deferred()]
    bus.on([A, C], async (_, scope) => {
      if (scope.message.type === C.type) return
      scope.publish(B, {})
      await publisher.promise
      story.push('the publisher ends')
    })
    bus.on(
      B,
      async (_, scope) => {
        if (bus.deadLetters.size === 0) throw new Error('not yet')
        redriven.resolve()
        await scope.publish(C, {}).settled
        story.push('the redriven delivery ends')
      },
      { name: 'mailer' },
    )
    bus.publish(A, {})
    await idle()
    const redriving = bus.deadLetters.redrive(bus.deadLetters.list()[0]?.id ?? '')
    await redriven.promise
    await idle()
    publisher.resolve()

    expect(await redriving).toEqual({ delivered: 1, failed: 0 })
    expect(story).toEqual(['the publisher ends', 'the redriven delivery ends'])
  })

  test('in a command from outside that waits for an event of its own', async () => {
    const bus = new MessageBus()
    bus.on(A, () => idle(1))
    bus.handle(Work, async (_, scope) => JSON.stringify(await scope.publish(A, {}).settled))

    expect(await bus.execute(Work, {})).toBe('{"delivered":1,"failed":0,"skipped":0,"dropped":0}')
  })
})

/** A bus whose ids begin with `run`, and a list to keep what waiting throws. */
function watched(): { bus: MessageBus; errors: unknown[] } {
  return { bus: new MessageBus({ newId: () => 'run' }), errors: [] }
}
