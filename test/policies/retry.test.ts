import { AttemptFailed, DeliveryFailed, MessageBus, retry, timeout, type RetryOptions } from 'busline'
import { describe, expect, test } from 'vitest'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { coded, outcomeOf, Work, Worked } from './fixtures/work.ts'

/** Executes a command that fails as it is told; tells when each attempt began, and the outcome. */
async function attemptsOf(
  options: RetryOptions,
  failures: readonly unknown[],
  limits: { timeout?: number } = {},
): Promise<{ begun: number[]; outcome: unknown }> {
  const { bus, clock } = clockedBus()
  const begun: number[] = []
  bus.use(retry(options), { for: [Work] })
  bus.handle(Work, ({ n }) => {
    const failure = failures[begun.length]
    begun.push(clock.now() - 1000)
    if (failure !== undefined) throw failure
    return n
  })
  const outcome = outcomeOf(bus.execute(Work, { n: 7 }, limits))
  await clock.advance(1_000_000)
  return { begun, outcome: outcome.now }
}

describe('retry', () => {
  const broken = new Error('broken')
  test.each<[string, RetryOptions, unknown[], number[], unknown]>([
    [
      'waits a random part of a time that doubles',
      { attempts: 5 },
      [broken, broken, broken],
      [0, 50, 150, 350],
      7,
    ],
    ['makes 3 attempts by default', {}, [broken, broken, broken], [0, 50, 150], 'broken'],
    ['makes one attempt if told so', { attempts: 1 }, [broken], [0], 'broken'],
    ['waits no longer than maxDelay', { maxDelay: 60 }, [broken, broken], [0, 30, 60], 7],
    ['begins with the delay that it is told', { delay: 10 }, [broken], [0, 5], 7],
    ['waits as long as the failure asks', {}, [coded('RATE_LIMITED', { retryAfter: 1234 })], [0, 1234], 7],
    [
      'gives up when the failure asks for longer than maxDelay',
      { maxDelay: 1000 },
      [coded('RATE_LIMITED', { retryAfter: 1234 })],
      [0],
      'RATE_LIMITED',
    ],
    [
      'gives up when the predicate says so',
      { when: (_, attempt) => attempt < 2 },
      [broken, broken],
      [0, 50],
      'broken',
    ],
  ])('%s', async (_, options, failures, begun, outcome) => {
    expect(await attemptsOf(options, failures)).toEqual({ begun, outcome })
  })

  test.each([
    'ABANDONED',
    'APPROVAL_DENIED',
    'APPROVAL_EXPIRED',
    'BUS_STOPPED',
    'CANCELLED',
    'FILTERED',
    'IDEMPOTENCY_CONFLICT',
    'NO_HANDLER',
    'SELF_WAIT',
    'TOO_DEEP',
    'VALIDATION_FAILED',
  ] as const)('makes no other attempt after %s, whatever the predicate says', async (code) => {
    expect(await attemptsOf({ when: () => true }, [coded(code)])).toEqual({ begun: [0], outcome: code })
  })

  test('whose predicate throws makes no other attempt, and tells of both failures', async () => {
    const { bus } = clockedBus()
    let attempts = 0
    bus.use(
      retry({
        when: () => {
          throw new TypeError('no response')
        },
      }),
      { for: [Work] },
    )
    bus.handle(Work, () => {
      attempts++
      throw broken
    })

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
      code: 'HANDLER_FAILED',
      message: 'retry.when threw: no response',
      cause: broken,
    })
    expect(attempts).toBe(1)
  })

  test('has a deaf attempt that follows a wait given up at once, like one without a wait', async () => {
    const { bus, clock } = clockedBus()
    let attempts = 0
    bus.use(retry(), { for: [Work] })
    bus.handle(Work, () => {
      if (++attempts === 1) throw broken
      return new Promise<number>(() => undefined)
    })
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 100 }))
    await clock.advance(100)

    expect([attempts, outcome.now]).toEqual([2, 'TIMED_OUT'])
  })

  test('begins no attempt after the deadline, and fails at once', async () => {
    expect(await attemptsOf({}, [broken, broken, broken], { timeout: 150 })).toEqual({
      begun: [0, 50],
      outcome: 'broken',
    })
  })

  test('reports each attempt that another follows, and the last one as the outcome only', async () => {
    const { bus, clock, journal } = clockedBus()
    bus.use(retry(), { for: [Work] })
    bus.handle(Work, () => {
      throw coded('PROVIDER_FAILED', { retryAfter: 10 })
    })
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(100)

    expect(outcome.now).toBe('PROVIDER_FAILED')
    const reports = recordsOf(journal, 'event', AttemptFailed.type)
    expect(reports).toMatchObject(
      [1, 2].map((attempt) => ({
        cause: 'run-1',
        data: {
          message: { id: 'run-1', type: 'things.work' },
          attempt,
          retryIn: 10,
          error: { code: 'PROVIDER_FAILED' },
        },
      })),
    )
    expect(recordsOf(journal, 'result')).toHaveLength(1)
  })

  test('ends a wait at once when the command is cancelled, and tries no more', async () => {
    const { bus, clock } = clockedBus()
    const cancel = new AbortController()
    let attempts = 0
    bus.use(retry({ delay: 1000 }), { for: [Work] })
    bus.handle(Work, () => {
      attempts++
      throw broken
    })
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    await clock.advance(10)
    cancel.abort()
    await clock.advance(0)

    expect(outcome.now).toBe('CANCELLED')
    expect(clock.pending).toBe(0)
    await clock.advance(10_000)
    expect(attempts).toBe(1)
  })

  test('makes no other attempt for a handler that fails because it was cancelled', async () => {
    const { bus, clock } = clockedBus()
    const cancel = new AbortController()
    let attempts = 0
    bus.use(retry({ delay: 0 }), { for: [Work] })
    bus.handle(
      Work,
      (_, { signal }) =>
        new Promise((_, reject) => {
          attempts++
          signal.addEventListener('abort', () => reject(broken))
        }),
    )
    const failing = rejection(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    cancel.abort()
    await clock.advance(1000)

    expect(await failing).toBe(broken)
    expect(attempts).toBe(1)
  })

  test('around a timeout gives each attempt its time', async () => {
    const { bus, clock } = clockedBus()
    let attempts = 0
    bus.use(retry({ delay: 0 }), { for: [Work] })
    bus.use(timeout(20), { for: [Work] })
    bus.handle(Work, ({ n }) => (++attempts < 3 ? new Promise<number>(() => undefined) : n))
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await clock.advance(40)

    expect(outcome.now).toBe(7)
  })

  test('tries a delivery again, and so delivers it once it succeeds', async () => {
    const { bus, clock, journal } = clockedBus()
    let attempts = 0
    bus.use(retry(), { for: [Worked] })
    bus.on(Worked, () => {
      if (++attempts < 3) throw broken
    })
    const { settled } = bus.publish(Worked, { n: 1 })
    await clock.advance(1000)

    expect(await settled).toMatchObject({ delivered: 1, failed: 0 })
    expect(recordsOf(journal, 'event', AttemptFailed.type)).toHaveLength(2)
    expect(recordsOf(journal, 'event', DeliveryFailed.type)).toEqual([])
  })

  test('for all messages does not report on its own reports when every subscriber fails', async () => {
    const { bus, clock, journal } = clockedBus()
    bus.use(retry())
    bus.on('**', () => {
      throw broken
    })
    bus.publish(Worked, { n: 1 })
    await clock.advance(10_000)

    expect(recordsOf(journal, 'event', AttemptFailed.type)).toHaveLength(2)
    expect(recordsOf(journal, 'event', DeliveryFailed.type)).toHaveLength(3)
  })

  test('whose report the bus refuses, because the chain is too long, still tries again', async () => {
    let attempts = 0
    const bus = new MessageBus({ maxDepth: 1, random: () => 0 })
    bus.use(retry(), { for: [Work] })
    bus.handle(Work, ({ n }) => {
      if (++attempts < 3) throw broken
      return n
    })

    expect(await bus.execute(Work, { n: 7 })).toBe(7)
  })

  test.each<[RetryOptions, string]>([
    [{ attempts: 0 }, 'attempts'],
    [{ attempts: 1.5 }, 'attempts'],
    [{ attempts: NaN }, 'attempts'],
    [{ delay: -1 }, 'delay'],
    [{ delay: NaN }, 'delay'],
    [{ maxDelay: -1 }, 'maxDelay'],
  ])('refuses %j', (options, option) => {
    expect(thrownBy(() => retry(options))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })
})
