import { MessageBus, type CommandEnd, type DeliveryEnd, type Probe } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

interface Seen {
  type: string
  end: CommandEnd | DeliveryEnd
}

function recordingProbe(): { probe: Probe; seen: Seen[] } {
  const seen: Seen[] = []
  return {
    seen,
    probe: {
      commandEnded: ({ type }, end) => void seen.push({ type, end }),
      deliveryEnded: ({ type }, end) => void seen.push({ type, end }),
    },
  }
}

async function failLater(reason: Error): Promise<never> {
  await Promise.resolve()
  throw reason
}

describe('a probe', () => {
  test('is told how each command ended: status, duration, handler', async () => {
    const clock = virtualClock({ start: 1000 })
    const bus = new MessageBus(clock)
    const { probe, seen } = recordingProbe()
    bus.probe(probe)
    bus.handle(Carry, async function carry(input, scope) {
      await scope.sleep(40)
      if (input === 'fail') throw new Error('no')
    })
    const outcomes = [
      bus.execute(Carry, 1),
      rejection(bus.execute(Carry, 'fail')),
      rejection(bus.execute(Carry, 1, { timeout: 10 })),
      rejection(bus.execute(Carry, 1, { signal: AbortSignal.abort() })),
      rejection(bus.execute(Greet, { name: 'Ada' })),
      rejection(bus.execute(Greet, { name: '' })),
    ]
    await clock.advance(40)
    await Promise.all(outcomes)

    expect(seen.map(({ end }) => end)).toEqual([
      { status: 'cancelled', ms: 0, by: undefined },
      { status: 'error', ms: 0, by: undefined },
      { status: 'error', ms: 0, by: undefined },
      { status: 'timeout', ms: 10, by: 'carry' },
      { status: 'ok', ms: 40, by: 'carry' },
      { status: 'error', ms: 40, by: 'carry' },
    ])
  })

  test('is told how each delivery ended: subscriber, outcome, duration since publishing, attempts', async () => {
    const clock = virtualClock({ start: 1000 })
    const bus = new MessageBus({ ...clock, random: () => 1 })
    const { probe, seen } = recordingProbe()
    bus.probe(probe)
    let calls = 0
    bus.on(
      Greeted,
      () => {
        if (++calls === 1) throw new Error('not yet')
      },
      { name: 'retried', retry: { attempts: 2, delay: 100 } },
    )
    bus.on(Greeted, () => Promise.reject(new Error('no')), { name: 'failing' })
    const off = bus.on(Greeted, () => undefined, { name: 'leaving' })
    bus.on(Moved, () => undefined, { name: 'full', mailbox: { capacity: 1, overflow: 'drop-newest' } })
    bus.publish(Greeted, { name: 'Ada' })
    off()
    bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Moved, { key: 'a', n: 2 })
    await idle()
    await clock.advance(100)

    expect(seen.map(({ type, end }) => [type, end])).toEqual([
      ['things.moved', { subscriber: 'full', outcome: 'dropped', ms: 0, attempts: 0 }],
      ['people.greeted', { subscriber: 'leaving', outcome: 'skipped', ms: 0, attempts: 0 }],
      ['things.moved', { subscriber: 'full', outcome: 'delivered', ms: 0, attempts: 1 }],
      ['people.greeted', { subscriber: 'failing', outcome: 'failed', ms: 0, attempts: 1 }],
      ['people.greeted', { subscriber: 'retried', outcome: 'delivered', ms: 100, attempts: 2 }],
    ])
  })

  test.each<[string, (error: Error) => void]>([
    [
      'at once',
      (error) => {
        throw error
      },
    ],
    // oxlint-disable-next-line typescript/no-misused-promises -- TypeScript lets it pass, so users will do it.
    ['later', failLater],
  ])(
    'that fails %s is taken off with a note; commands, deliveries and other probes go on',
    async (_, fail) => {
      const { bus, journal } = recordedBus()
      const { probe, seen } = recordingProbe()
      let calls = 0
      const failing = (): void => {
        calls++
        return fail(new Error('no figures today'))
      }
      bus.probe({ commandEnded: failing, deliveryEnded: failing })
      bus.probe(probe)
      bus.handle(Carry, (input) => input)
      bus.on(Greeted, () => undefined)

      expect(await bus.execute(Carry, 1)).toBe(1)
      await idle()
      expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1 })
      expect([calls, seen.length]).toEqual([1, 2])
      expect(recordsOf(journal, 'note', 'bus.probeFailed')).toMatchObject([
        { data: { error: { message: 'no figures today' } } },
      ])
    },
  )

  test('that was taken back is told nothing; one that was added twice goes once at a time', async () => {
    const bus = new MessageBus()
    const { probe, seen } = recordingProbe()
    bus.handle(Carry, (input) => input)
    const first = bus.probe(probe)
    const second = bus.probe(probe)
    await bus.execute(Carry, 1)
    first()
    first()
    await bus.execute(Carry, 1)
    second()
    await bus.execute(Carry, 1)

    expect(seen).toHaveLength(3)
  })

  test('of a participant leaves with it', async () => {
    const bus = new MessageBus()
    const { probe, seen } = recordingProbe()
    bus.handle(Carry, (input) => input)
    bus.attach((view) => void view.probe(probe))()
    await bus.execute(Carry, 1)

    expect(seen).toEqual([])
  })

  // The clock is read when a command begins only if somebody wants to know.
  test('is told nothing of a command that began before it came, on a bus without a journal', async () => {
    const bus = new MessageBus()
    const { probe, seen } = recordingProbe()
    const gate = deferred()
    bus.handle(Carry, () => gate.promise)
    const carrying = bus.execute(Carry, 1)
    bus.probe(probe)
    gate.resolve()
    await carrying

    expect(seen).toEqual([])
  })

  test('does not need a journal, and needs neither of its two parts', async () => {
    const bus = new MessageBus()
    const off = bus.probe({})
    bus.handle(Carry, (input) => input)
    bus.on(Greeted, () => undefined)

    expect(await bus.execute(Carry, 1)).toBe(1)
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1 })
    off()
  })
})
