import { BuslineError, type ErrorCode } from 'busline'
import { expect, test } from 'vitest'
import { withAttempts, type AttemptOptions } from '../../src/providers/with-attempts.ts'

function failing(code: ErrorCode, data: Record<string, unknown> = {}): BuslineError {
  return new BuslineError(code, 'no', { data })
}

/** Runs attempts that fail with these in turn and then succeed; waits of at most no time at all. */
async function run(
  failures: readonly BuslineError[],
  options: Partial<AttemptOptions> = {},
): Promise<{ outcome: unknown; attempts: number; waits: number[] }> {
  let attempts = 0
  const waits: number[] = []
  const outcome = await withAttempts(
    () => {
      const failure = failures[attempts++]
      return failure ? Promise.reject(failure) : Promise.resolve('answer')
    },
    {
      maxAttempts: 3,
      random: () => 0,
      signal: new AbortController().signal,
      isUnheard: () => true,
      onFailed: ({ retryIn }) => void waits.push(retryIn),
      ...options,
    },
  ).catch((error: unknown) => error)
  return { outcome, attempts, waits }
}

const lost = failing('MODEL_UNAVAILABLE', { code: 'ECONNRESET' })
const busy = failing('MODEL_UNAVAILABLE', { status: 503 })
const limited = failing('RATE_LIMITED', { status: 429 })

test('rate limits, 503s and lost connections are tried again', async () => {
  for (const failure of [lost, busy, limited]) {
    expect(await run([failure, failure])).toMatchObject({ outcome: 'answer', attempts: 3 })
  }
})

test('the last attempt rejects with its own failure', async () => {
  expect(await run([limited, limited, busy])).toMatchObject({ outcome: busy, attempts: 3, waits: [0, 0] })
  expect(await run([limited], { maxAttempts: 1 })).toMatchObject({ outcome: limited, attempts: 1, waits: [] })
})

test('what another attempt can not mend is not tried again', async () => {
  for (const failure of [
    failing('INVALID_REQUEST', { status: 400 }),
    failing('PROVIDER_FAILED', { status: 500 }),
    failing('ANSWER_CUT'),
    failing('MODEL_UNAVAILABLE', { code: 'ECONNREFUSED' }),
    failing('RATE_LIMITED', { status: 429, code: 'insufficient_quota' }),
    failing('RATE_LIMITED', { status: 429, type: 'insufficient_quota' }),
  ]) {
    expect(await run([failure])).toMatchObject({ outcome: failure, attempts: 1 })
  }
})

test('nothing is tried again once something has been heard', async () => {
  expect(await run([limited], { isUnheard: () => false })).toMatchObject({ outcome: limited, attempts: 1 })
})

test('the wait is what the server asks, unless that is more than a minute', async () => {
  expect(await run([failing('RATE_LIMITED', { retryAfter: 1 })])).toMatchObject({ waits: [1] })
  const long = failing('RATE_LIMITED', { retryAfter: 60_001 })
  expect(await run([long])).toMatchObject({ outcome: long, attempts: 1, waits: [] })
})

test('without a wish the wait grows to eight seconds, a random part of it', async () => {
  const controller = new AbortController()
  const parts: number[] = []
  await run(
    Array.from({ length: 9 }, () => limited),
    {
      maxAttempts: 10,
      // As little as can be waited, and still the rule can be read from it.
      random: () => 1 / 8_000_000,
      signal: controller.signal,
      onFailed: ({ retryIn }) => void parts.push(Math.round(retryIn * 8_000_000)),
    },
  )
  expect(parts).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000])
})

test('an abort ends the wait', async () => {
  const controller = new AbortController()
  const { outcome, attempts } = await run([failing('RATE_LIMITED', { retryAfter: 60_000 })], {
    signal: controller.signal,
    onFailed: () => setImmediate(() => controller.abort()),
  })
  expect(attempts).toBe(1)
  expect(outcome).toMatchObject({ name: 'AbortError' })
})
