import { afterEach, expect, test, vi } from 'vitest'
import { readErrorBody } from '../../src/providers/read-error-body.ts'
import { answerIn } from './fixtures/random-cuts.ts'

afterEach(() => void vi.useRealTimers())

async function* unending(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half')
  await new Promise(() => undefined)
}

test('a body is read whole, up to its limit', async () => {
  expect(await readErrorBody(answerIn([Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)]))).toBe(
    'é',
  )
  const long = Array.from({ length: 200 }, () => Buffer.alloc(1000, 'x'))
  expect((await readErrorBody(answerIn(long))).length).toBeLessThan(70_000)
})

test('a body that does not end is what had come after a second, and the rest is given up', async () => {
  vi.useFakeTimers()
  let cancelled = 0
  const reading = readErrorBody({ ...answerIn([]), body: unending(), cancel: () => void cancelled++ })
  await vi.advanceTimersByTimeAsync(1000)
  expect(await reading).toBe('half')
  expect(cancelled).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('a body that is lost is what had come', async () => {
  async function* lost(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    await Promise.reject(new Error('reset'))
  }
  expect(await readErrorBody({ ...answerIn([]), body: lost() })).toBe('half')
})
