import { BuslineError } from 'busline'
import { expect, test, vi } from 'vitest'

test('a BuslineError is an Error with its own name, a code and prose', () => {
  const error = new BuslineError('NO_HANDLER', 'No handler for x.')

  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'BuslineError',
    code: 'NO_HANDLER',
    message: 'No handler for x.',
    data: {},
  })
  expect(error.stack).toContain('busline-error.test.ts')
})

test('its fields and its cause are kept', () => {
  const cause = new Error('why')
  const error = new BuslineError('NO_HANDLER', 'x', { data: { type: 'x' }, cause })

  expect(error.data).toEqual({ type: 'x' })
  expect(error.cause).toBe(cause)
})

test('without a cause it has none, with an undefined one it has that', () => {
  expect('cause' in new BuslineError('NO_HANDLER', 'x')).toBe(false)
  expect('cause' in new BuslineError('NO_HANDLER', 'x', { cause: undefined })).toBe(true)
})

test('one of another copy of the package is one, too; another error is none', async () => {
  vi.resetModules()
  const copy = await import('../../src/messages/busline-error.ts')
  const error = new copy.BuslineError('NO_HANDLER', 'No handler for x.', { data: { type: 'x' } })

  expect(copy.BuslineError).not.toBe(BuslineError)
  expect(error instanceof BuslineError && error.data).toEqual({ type: 'x' })
  const alike = Object.assign(new Error('x'), { name: 'BuslineError', code: 'NO_HANDLER', data: {} })
  for (const other of [alike, null, undefined, 'NO_HANDLER'])
    expect(other instanceof BuslineError).toBe(false)
})
