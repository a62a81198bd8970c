import { BuslineError } from 'busline'
import { expect, test } from 'vitest'
import { withData } from '../../src/providers/with-data.ts'

test('fields come into the data of an error that keeps all else; without any it is the same', () => {
  const error = new BuslineError('ANSWER_CUT', 'cut', { data: { a: 1 }, cause: 'why' })
  expect(withData(error, {})).toBe(error)
  expect(withData(error, { b: 2 })).toMatchObject({
    code: 'ANSWER_CUT',
    message: 'cut',
    data: { a: 1, b: 2 },
    cause: 'why',
  })
  expect(withData(new BuslineError('ANSWER_CUT', 'cut'), { b: 2 })).not.toHaveProperty('cause')
})
