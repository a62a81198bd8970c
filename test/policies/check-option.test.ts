import {
  circuitBreaker,
  concurrencyLimit,
  idempotency,
  memoryOutcomes,
  rateLimit,
  requireApproval,
  retry,
  timeout,
} from 'busline'
import { describe, expect, test } from 'vitest'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { Work } from './fixtures/work.ts'

/** What callers without types may give for a number. */
const untyped: number[] = JSON.parse('["5", "", null, {}]')

const key = (): string => 'k'

/** Every option that is a number. */
const options: [name: string, give: (value: number) => unknown][] = [
  ['retry.attempts', (attempts) => retry({ attempts })],
  ['retry.delay', (delay) => retry({ delay })],
  ['retry.maxDelay', (maxDelay) => retry({ maxDelay })],
  ['timeout.ms', (ms) => timeout(ms)],
  ['circuitBreaker.failures', (failures) => circuitBreaker({ failures })],
  ['circuitBreaker.window', (window) => circuitBreaker({ window })],
  ['circuitBreaker.cooldown', (cooldown) => circuitBreaker({ cooldown })],
  ['circuitBreaker.probes', (probes) => circuitBreaker({ probes })],
  ['concurrencyLimit.limit', (limit) => concurrencyLimit(limit)],
  ['concurrencyLimit.queue', (queue) => concurrencyLimit(1, { queue })],
  ['rateLimit.limit', (limit) => rateLimit({ limit, per: 1 })],
  ['rateLimit.per', (per) => rateLimit({ limit: 1, per })],
  ['rateLimit.burst', (burst) => rateLimit({ limit: 1, per: 1, burst })],
  ['rateLimit.queue', (queue) => rateLimit({ limit: 1, per: 1, queue })],
  ['idempotency.ttl', (ttl) => idempotency({ key, ttl })],
  ['idempotency.capacity', (capacity) => idempotency({ key, capacity })],
  ['idempotency.capacity', (capacity) => memoryOutcomes({ capacity })],
  ['requireApproval.expires', (expires) => requireApproval({ expires })],
]

describe.each([NaN, -1, -Infinity, ...untyped])('%j', (value) => {
  test.each(options)('is refused as %s', (name, give) => {
    expect(thrownBy(() => give(value))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: name.split('.')[1] },
    })
  })
})

test.each(options.filter(([name]) => name !== 'retry.maxDelay'))('%s has an end', (_, give) => {
  expect(thrownBy(() => give(Infinity))).toMatchObject({ code: 'INVALID_OPTION' })
})

test('a wait before a retry may be as long as the failure asks', () => {
  expect(retry({ maxDelay: Infinity }).name).toBe('retry')
})

test('a text that looks like a number is not told like one', () => {
  expect(thrownBy(() => untyped.slice(0, 1).map(timeout))).toMatchObject({
    message: 'timeout.ms must be more than 0 milliseconds, not "5".',
  })
})

test.each(untyped)('a cost of %j is refused', async (price) => {
  const { bus } = clockedBus()
  bus.use(rateLimit({ limit: 5, per: 1000, cost: () => price }), { for: [Work] })
  bus.handle(Work, ({ n }) => n)

  expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
    code: 'INVALID_OPTION',
    data: { option: 'cost' },
  })
})
