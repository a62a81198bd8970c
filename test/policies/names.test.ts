import {
  circuitBreaker,
  concurrencyLimit,
  filter,
  idempotency,
  rateLimit,
  requireApproval,
  retry,
  timeout,
} from 'busline'
import { expect, test } from 'vitest'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { Work } from './fixtures/work.ts'

const policies = {
  circuitBreaker: circuitBreaker(),
  concurrencyLimit: concurrencyLimit(1),
  filter: filter(() => true),
  idempotency: idempotency({ key: () => 'k' }),
  rateLimit: rateLimit({ limit: 1, per: 1000 }),
  requireApproval: requireApproval(),
  retry: retry(),
  timeout: timeout(1000),
}

test.each(Object.entries(policies))('%s returns a middleware of that name', (name, middleware) => {
  expect(middleware.name).toBe(name)
})

test('policies around one command leave no timer behind', async () => {
  const { bus, clock } = clockedBus()
  const { requireApproval: _, ...others } = policies
  for (const policy of Object.values(others)) bus.use(policy, { for: [Work] })
  bus.handle(Work, ({ n }) => n)

  expect(await bus.execute(Work, { n: 7 })).toBe(7)
  expect(clock.pending).toBe(0)
})
