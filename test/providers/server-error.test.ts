import { expect, test } from 'vitest'
import { errorInAnswer, readServerError } from '../../src/providers/server-error.ts'

test('an error body is read in each of the shapes that servers give it', () => {
  expect(readServerError({ error: { message: 'no', type: 't', code: 'c', param: null } })).toEqual({
    message: 'no',
    type: 't',
    code: 'c',
  })
  expect(readServerError({ error: 'no', error_type: 'validation' })).toEqual({
    message: 'no',
    type: 'validation',
  })
  expect(readServerError({ message: 'no' })).toEqual({ message: 'no' })
  expect(readServerError({ detail: 'no' })).toEqual({ message: 'no' })
  expect(
    readServerError({ detail: [{ loc: ['body', 'messages', 0], msg: 'missing' }, { msg: 'x' }] }),
  ).toEqual({
    message: 'body.messages.0: missing; x',
  })
  expect(
    readServerError({ object: 'error', message: { detail: [{ loc: ['body'], msg: 'no' }] }, type: 't' }),
  ).toEqual({ message: 'body: no', type: 't' })
  expect(readServerError([{ error: { message: 'no', code: 404, status: 'NOT_FOUND' } }])).toEqual({
    message: 'no',
    code: 404,
    status: 404,
  })
  expect(readServerError('no')).toEqual({ message: 'no' })
})

test('a body that says nothing gives nothing', () => {
  for (const body of [null, 7, '', ' ', {}, [], { error: null }, { error: {} }, { detail: [] }]) {
    expect(readServerError(body)).toEqual({})
  }
})

test('a status of its own is taken from where the body has one', () => {
  expect(
    readServerError({ error: { message: 'no', status_code: 400, code: 'tool_use_failed' } }).status,
  ).toBe(400)
  expect(readServerError({ error: { message: 'no', code: '429' } }).status).toBe(429)
  expect(readServerError({ error: { message: 'no', code: 3 } }).status).toBeUndefined()
})

test('an answer that holds an error is told from one that does not', () => {
  for (const answer of [
    { error: { message: 'no' } },
    { error: 'no', choices: [] },
    [{ error: { message: 'no' } }],
    { object: 'error', message: 'no' },
    { choices: [{ index: 0, error: { message: 'no' } }] },
    { detail: 'no' },
    { message: 'no' },
  ]) {
    expect(errorInAnswer(answer)).toMatchObject({ message: 'no' })
  }
  const empty = [
    { error: {} },
    { error: [] },
    { error: { message: '', code: null } },
    { choices: [{ error: {} }] },
  ]
  for (const answer of [
    ...empty,
    { choices: [] },
    { error: null, choices: [{}] },
    { usage: {} },
    null,
    7,
    [],
  ]) {
    expect(errorInAnswer(answer)).toBeUndefined()
  }
})

test('a body that is nested beyond sense says nothing, and does not end in a RangeError', () => {
  const lists: unknown = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000))
  const details: unknown = JSON.parse('{"detail":'.repeat(30_000) + '1' + '}'.repeat(30_000))
  expect([readServerError(lists), readServerError(details)]).toEqual([{}, {}])
  expect(errorInAnswer({ error: lists })).toEqual({})
})
