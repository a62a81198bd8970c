import { BuslineError } from 'busline'
import { expect, test } from 'vitest'
import { cancelledError } from '../../src/providers/cancelled-error.ts'

test('a coded reason is the error, itself where nothing had come', () => {
  const reason = new BuslineError('TIMED_OUT', 'late', { data: { ms: 5 } })
  expect(cancelledError(reason)).toBe(reason)
  expect(cancelledError(reason, { text: 'half' })).toMatchObject({
    code: 'TIMED_OUT',
    message: 'late',
    data: { ms: 5, text: 'half' },
    cause: reason,
  })
})

test('any other reason is CANCELLED, with what had come', () => {
  expect(cancelledError('why', { text: '' })).toMatchObject({
    code: 'CANCELLED',
    data: { text: '' },
    cause: 'why',
  })
})
