import { expect, test } from 'vitest'
import { answerForm } from '../../src/providers/answer-form.ts'

test('what begins like an event stream is one, whatever its content-type', () => {
  for (const text of ['data: {', 'data:', 'event: x', ': comment', 'id: 7', 'retry: 1', 'error: no']) {
    expect(answerForm(text, false), text).toBe('stream')
    expect(answerForm(text, true), text).toBe('stream')
  }
})

test('what begins like JSON or a page is a body, whatever its content-type', () => {
  for (const text of ['{', '[', '<!doctype', '"x"', 'Bad gateway', 'upstream error: x']) {
    expect(answerForm(text, false), text).toBe('body')
    expect(answerForm(text, true), text).toBe('body')
  }
})

test('fields that nobody knows make a stream only where it says that it is one', () => {
  for (const text of ['x-trace: 1', 'data\n']) {
    expect(answerForm(text, true), text).toBe('stream')
    expect(answerForm(text, false), text).toBe('body')
  }
})

test('a beginning that could become either is not told yet', () => {
  for (const text of ['', 'd', 'data', 'even']) {
    expect(answerForm(text, true), text).toBeUndefined()
    expect(answerForm(text, false), text).toBeUndefined()
  }
  expect(answerForm('x'.repeat(40), true)).toBe('body')
})
