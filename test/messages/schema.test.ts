import { BuslineError } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { parseWith } from '../../src/messages/schema.ts'
import { thrownBy } from '../bus/fixtures/promises.ts'

const Person = z.object({ name: z.string(), homes: z.array(z.object({ city: z.string().min(1) })) })

test('parseWith returns what the schema made of the value', () => {
  expect(parseWith(z.object({ n: z.coerce.number() }), { n: '5', more: 1 }, 'It')).toEqual({ n: 5 })
})

test('parseWith takes schemas of zod mini', () => {
  expect(parseWith(mini.object({ name: mini.string() }), { name: 'Ada' }, 'It')).toEqual({ name: 'Ada' })
  expect(() => parseWith(mini.string(), 5, 'It')).toThrow('It does not fit its schema')
})

test('a refusal says what did not fit and names each field with its path', () => {
  const error = thrownBy(() => parseWith(Person, { name: 1, homes: [{ city: '' }] }, 'The input of x'))

  expect(error).toBeInstanceOf(BuslineError)
  expect(error).toMatchObject({
    code: 'VALIDATION_FAILED',
    message: expect.stringMatching(/^The input of x does not fit its schema\. name: .*; homes\[0\]\.city: /),
    data: {
      issues: [
        { path: 'name', message: expect.any(String) },
        { path: 'homes[0].city', message: expect.any(String) },
      ],
    },
  })
})

test('a refusal at the root has no path before its message', () => {
  expect(thrownBy(() => parseWith(z.string(), 5, 'It'))).toMatchObject({
    message: expect.stringMatching(/^It does not fit its schema\. [^:]*: expected string/),
    data: { issues: [{ path: '' }] },
  })
})

test('the code is the one that was asked for', () => {
  expect(thrownBy(() => parseWith(z.string(), 5, 'It', 'INVALID_OUTPUT'))).toMatchObject({
    code: 'INVALID_OUTPUT',
  })
})

test('the refused value itself stands neither in the message nor in the data', () => {
  const error = thrownBy(() => parseWith(Person, { name: 'Ada', homes: 'sk-0123456789' }, 'It'))

  expect(JSON.stringify([Object(error).message, Object(error).data])).not.toContain('sk-0123456789')
})
