import { describe, expect, test } from 'vitest'
import { phraseResult } from '../../src/offline/phrase-results.ts'

function phrase(name: string, content: unknown, args = '{}'): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return phraseResult({ name, arguments: args, content: text }).text
}

describe('a result is put in words', () => {
  test.each([
    [
      'get_weather',
      { location: 'Lima', temperature: 64.5, unit: 'fahrenheit' },
      'The weather in Lima: 64.5 \u00b0F.',
    ],
    ['get_weather', 'Sunny, 18 degrees', 'Sunny, 18 degrees'],
    ['get_weather', { temp: 3 }, '{"temp":3}'],
    ['send_email', { sent: true, to: 'a@x.org' }, 'The mail to a@x.org was sent.'],
    ['send_email', { sent: false, to: 'a@x.org', subject: 'Hi' }, 'The mail "Hi" to a@x.org was not sent.'],
    ['calculate', { expression: '24*7', result: 168 }, '24*7 = 168.'],
    ['calculate', '168', 'The result is 168.'],
    ['calculate', '"a string"', 'a string'],
    ['lookup', { a: 1 }, 'The tool lookup answered: {"a":1}'],
    ['constructor', '1', 'The tool constructor answered: 1'],
  ])('%s %j', (name, content, words) => {
    expect(phrase(name, content)).toBe(words)
  })

  test('a bare number gets the expression of its call', () => {
    expect(phrase('calculate', '168', '{"expression":"24*7"}')).toBe('24*7 = 168.')
  })

  test('a long result is cut, and says so', () => {
    const words = phrase('lookup', 'x'.repeat(100_000))
    expect(words.length).toBeLessThan(2_200)
    expect(words).toContain('100000 characters in all')
  })
})

describe('a failure is told as one', () => {
  test.each([
    ['get_weather', 'Error: no network', 'The weather tool failed: no network'],
    ['get_weather', { error: 'no network' }, 'The weather tool failed: no network'],
    ['send_email', { error: { code: 'X', message: 'mailbox full' } }, 'The mail tool failed: mailbox full'],
    [
      'calculate',
      'Error (INVALID_ARGUMENTS): expression: Required',
      'The calculator failed: expression: Required',
    ],
    ['lookup', 'TypeError: boom', 'The tool lookup failed: boom'],
    [
      'send_email',
      'Outcome unknown: the turn ended.',
      'The mail tool failed: Outcome unknown: the turn ended.',
    ],
    ['calculate', '  ', 'The calculator gave no result.'],
  ])('%s %j', (name, content, words) => {
    expect(phrase(name, content)).toBe(words)
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    expect(phraseResult({ name, arguments: '', content: text }).ok).toBe(false)
  })
})
