import { BuslineError, Failure } from 'busline'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { failureOf } from '../../src/messages/failure.ts'

test('a coded error keeps its code, and its data if that is JSON', () => {
  const error = new BuslineError('NO_HANDLER', 'No handler for x.', { data: { type: 'x' } })

  expect(failureOf(error)).toEqual({
    code: 'NO_HANDLER',
    name: 'BuslineError',
    message: 'No handler for x.',
    data: { type: 'x' },
  })
})

test('data that is not JSON is left out, and so is empty data', () => {
  expect(failureOf(new BuslineError('NO_HANDLER', 'x', { data: { at: new Date(0) } }))).not.toHaveProperty(
    'data',
  )
  expect(failureOf(new BuslineError('NO_HANDLER', 'x'))).not.toHaveProperty('data')
})

test('a system error keeps its code, any other is HANDLER_FAILED under its own name', () => {
  const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' })

  expect(failureOf(missing)).toEqual({ code: 'ENOENT', name: 'Error', message: 'no such file' })
  expect(failureOf(new RangeError('too far'))).toEqual({
    code: 'HANDLER_FAILED',
    name: 'RangeError',
    message: 'too far',
  })
})

test('a code that is no string is not taken over', () => {
  expect(failureOf(new DOMException('gone', 'AbortError'))).toMatchObject({
    code: 'HANDLER_FAILED',
    name: 'AbortError',
  })
})

test('causes are followed, five errors in all', () => {
  const chain = [1, 2, 3, 4, 5, 6, 7].reduce<unknown>(
    (cause, n) => new Error(`error ${n}`, { cause }),
    undefined,
  )

  expect(failureOf(chain)).toMatchObject({
    message: 'error 7',
    cause: { message: 'error 6', cause: { cause: { message: 'error 4', cause: { message: 'error 3' } } } },
  })
  expect(JSON.stringify(failureOf(chain))).not.toContain('error 2')
})

test('an error that is its own cause ends', () => {
  const error = new Error('round')
  error.cause = error

  expect(failureOf(error)).toHaveProperty('cause.cause.cause.cause.message', 'round')
})

test.each<[unknown, string, string]>([
  ['just a text', 'string', 'just a text'],
  [undefined, 'undefined', 'undefined'],
  [null, 'object', 'null'],
  [42, 'number', '42'],
  [{ status: 500 }, 'object', '{"status":500}'],
  [Symbol('s'), 'symbol', 'Symbol(s)'],
  [10n, 'bigint', "a value that can't be shown (TypeError: Do not know how to serialize a BigInt)"],
])('%o thrown becomes a failure that shows it', (thrown, name, message) => {
  expect(failureOf(thrown)).toEqual({ code: 'HANDLER_FAILED', name, message })
})

test('an error whose fields are not texts is told in texts', () => {
  const error = Object.assign(new Error('x'), { message: { status: 500 }, name: 5 })

  expect(failureOf(error)).toEqual({ code: 'HANDLER_FAILED', name: '5', message: '{"status":500}' })
})

test('an error whose fields throw is told as one that cannot be read', () => {
  const hostile = new Error('x')
  Object.defineProperty(hostile, 'message', {
    get() {
      throw new Error('hands off')
    },
  })

  expect(failureOf(hostile)).toMatchObject({
    code: 'HANDLER_FAILED',
    message: expect.stringContaining("can't be read"),
  })
})

test('whatever is thrown, the failure fits its schema and is JSON', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.boolean(), (value, more, wrapped) => {
      const thrown = wrapped
        ? Object.assign(new Error('x', { cause: more }), { message: value, name: more })
        : value
      const failure = failureOf(thrown)

      expect(Failure.parse(failure)).toEqual(failure)
      expect(JSON.parse(JSON.stringify(failure))).toEqual(failure)
    }),
    { numRuns: 300 },
  )
})
