import { defineCommand, MessageBus } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Redactor } from '../../src/bus/redactor.ts'
import { Carried, Carry, Greet } from './fixtures/greeting.ts'
import { rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const KEY = 'sk-0123456789abcdef'

describe('a registered secret', () => {
  test('stands in no line and reaches no tap, wherever a message holds it', async () => {
    const { bus, journal } = recordedBus()
    const tapped: unknown[] = []
    bus.tap((record) => tapped.push(record))
    bus.secret(KEY)
    bus.handle(Carry, (input) => ({ echo: input, text: `the key is ${KEY}.`, [KEY]: 1 }))
    bus.handle(Greet, () => {
      throw new Error(`bad key ${KEY}`, { cause: new Error(KEY) })
    })
    await bus.execute(Carry, { nested: [{ prompt: `use ${KEY} twice: ${KEY}` }] })
    await rejection(bus.execute(Greet, { name: KEY }))
    bus.publish(Carried, KEY)
    expect(() => bus.publish(Carried, { [KEY]: 1n })).toThrow('bigint')

    expect(journal.lines.join('\n')).not.toContain(KEY)
    expect(JSON.stringify(tapped)).not.toContain(KEY)
    expect(recordsOf(journal, 'command', 'things.carry')).toMatchObject([
      { data: { nested: [{ prompt: 'use [secret] twice: [secret]' }] } },
    ])
  })

  test('reaches handlers and callers unchanged: only what is recorded is replaced', async () => {
    const { bus } = recordedBus()
    bus.secret(KEY)
    bus.handle(Carry, (input) => input)

    expect(await bus.execute(Carry, { key: KEY })).toEqual({ key: KEY })
  })

  test('is replaced when it stands URL-encoded or in base64', () => {
    const bus = new MessageBus()
    const secret = 'sk-a/b+c=1234567890'
    bus.secret(secret)

    expect(bus.redact(`?key=${encodeURIComponent(secret)} b64 ${btoa(secret)}`)).toBe(
      '?key=[secret] b64 [secret]',
    )
  })

  test('is replaced in what is printed, by redact', () => {
    const bus = new MessageBus()
    bus.secret(KEY)

    expect(bus.redact(`401: ${KEY} is not valid`)).toBe('401: [secret] is not valid')
  })

  test.each([
    ['quotes and backslashes', 'pass"word\\1'],
    ['a newline', 'first line\nsecond'],
    ['characters of a regular expression', '^(.*)+$[a-z]'],
    ['characters beyond ASCII', 'schlüssel🔑🔑'],
    ['replacement patterns', "$&$'$`$1$$"],
  ])('with %s is found in texts and in JSON that stands in a text', async (_, secret) => {
    const { bus, journal } = recordedBus()
    bus.secret(secret)
    bus.handle(Carry, () => 1)
    await bus.execute(Carry, { text: `it is ${secret}!`, arguments: JSON.stringify({ secretly: secret }) })

    expect(recordsOf(journal, 'command')).toMatchObject([
      { data: { text: 'it is [secret]!', arguments: '{"secretly":"[secret]"}' } },
    ])
  })

  test('of digits leaves the line JSON where a number holds it', async () => {
    const { bus, journal } = recordedBus()
    bus.secret('12345678')
    bus.handle(Carry, () => 1)
    await bus.execute(Carry, { account: 1234567890, pin: 12345678, text: 'pin 12345678', other: 1234567 })

    expect(recordsOf(journal, 'command')).toMatchObject([
      { data: { account: '[secret]', pin: '[secret]', text: 'pin [secret]', other: 1234567 } },
    ])
  })

  test('that contains another is replaced as a whole', () => {
    const redactor = new Redactor()
    redactor.add('password')
    redactor.add('password-and-more')

    expect(redactor.text('password-and-more, password')).toBe('[secret], [secret]')
  })

  test('that overlaps itself or another is replaced with all of it', () => {
    const redactor = new Redactor()
    redactor.add('abcdabcd')
    redactor.add('abcd-and-more')

    expect(redactor.text('abcdabcdabcd-and-more, abcdabcdabcdabcd')).toBe('[secret], [secret]')
  })

  test('never survives in a line of JSON, whatever it is and wherever it stands', () => {
    const secrets = fc.string({ minLength: 8, maxLength: 16, unit: 'grapheme-ascii' })
    fc.assert(
      fc.property(secrets, fc.jsonValue(), fc.string(), (secret, value, around) => {
        const redactor = new Redactor()
        redactor.add(secret)
        const record = { value, text: around + secret + around, list: [secret], [`key ${secret}`]: secret }
        const read: unknown = JSON.parse(redactor.json(record) ?? '')

        expect(textsIn(read).filter((text) => text.includes(secret) && !'[secret]'.includes(secret))).toEqual(
          [],
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('a secret of fewer than 8 characters', () => {
  test('is not replaced, and warns once per bus', async () => {
    const warnings: string[] = []
    const listener = (warning: Error & { code?: string }): void => void warnings.push(warning.code ?? '')
    process.on('warning', listener)
    const { bus, journal } = recordedBus()
    bus.secret('x')
    bus.secret('1234567')
    bus.publish(Carried, 'xxx 1234567')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', listener)

    expect(recordsOf(journal, 'event')).toMatchObject([{ data: 'xxx 1234567' }])
    expect(warnings).toEqual(['BUSLINE_SHORT_SECRET'])
  })
})

describe('a key name', () => {
  test.each([
    'apiKey',
    'api_key',
    'apikey',
    'API_KEY',
    'authorization',
    'Authorization',
    'password',
    'secret',
    'access_token',
  ])('%s hides its value, whatever that is and at any depth', (name) => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { deep: [{ [name]: 'hidden value' }], [name]: { hidden: 1 } })

    expect(recordsOf(journal, 'event')).toMatchObject([
      { data: { deep: [{ [name]: '[secret]' }], [name]: '[secret]' } },
    ])
  })

  test.each([
    'token',
    'tokens',
    'inputTokens',
    'maxTokens',
    'secrets',
    'secretary',
    'passwordHint',
    'my_api_key_id',
  ])('%s does not: names are matched whole', (name) => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { [name]: 'shown' })

    expect(recordsOf(journal, 'event')).toMatchObject([{ data: { [name]: 'shown' } }])
  })

  test('whose value is null shows that there is none', () => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { apiKey: null })

    expect(recordsOf(journal, 'event')).toMatchObject([{ data: { apiKey: null } }])
  })

  test('whose value is undefined is absent', () => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { password: undefined, apiKey: 'k' })

    expect(recordsOf(journal, 'event')).toMatchObject([{ data: { apiKey: '[secret]' } }])
    expect(journal.lines.join('\n')).not.toContain('password')
  })

  test.each([
    [
      'as the arguments of a tool have it',
      '{"user":"ada","password":"hunter22"}',
      '{"user":"ada","password":"[secret]"}',
    ],
    ['with blanks', '{ "password" : "hunter22", "n": 1 }', '{"password":"[secret]","n":1}'],
    ['in a list, under an object', '[{"secret":{"is":"hunter22"}}]', '[{"secret":"[secret]"}]'],
    [
      'in JSON inside of JSON',
      JSON.stringify({ body: JSON.stringify({ apiKey: 'hunter22' }) }),
      JSON.stringify({ body: '{"apiKey":"[secret]"}' }),
    ],
    ['that was cut off', '{"user":"ada","password": "hunter22', '{"user":"ada","password": "[secret]"'],
    ['that was cut off later', '{"password":"hun\\"ter22","a":[', '{"password":"[secret]","a":['],
    [
      'that nests too deep to be read',
      `{"password":"hunter22","a":${'['.repeat(1e5)}`,
      `{"password":"[secret]","a":${'['.repeat(1e5)}`,
    ],
  ])('in a text that is JSON, %s, hides its value', (_, text, hidden) => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { function: { arguments: text } })

    expect(recordsOf(journal, 'event')).toMatchObject([{ data: { function: { arguments: hidden } } }])
  })

  test.each(['{"password": null, "tokens": 1e3}', '{"why": "\\"password\\": is what it asked for"}'])(
    'in a text that is JSON without a secret leaves it as it stands: %s',
    (text) => {
      const { bus, journal } = recordedBus()
      bus.publish(Carried, { text })

      expect(recordsOf(journal, 'event')).toMatchObject([{ data: { text } }])
    },
  )

  test('inside a text is text', () => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { text: '"password": is what it asked for' })

    expect(recordsOf(journal, 'event')).toMatchObject([
      { data: { text: '"password": is what it asked for' } },
    ])
  })
})

describe('a field marked secret in its schema', () => {
  const hidden = z.string().meta({ secret: true })
  test.each([
    ['plain', z.object({ pin: hidden })],
    ['optional', z.object({ pin: hidden.optional() })],
    ['nullable with a default', z.object({ pin: hidden.nullable().default(null) })],
  ])('%s is not recorded', async (_, input) => {
    const { bus, journal } = recordedBus()
    const Unlock = defineCommand('door.unlock', { input, output: z.string() })
    bus.handle(Unlock, ({ pin }) => String(pin))

    expect(await bus.execute(Unlock, { pin: 'open sesame' })).toBe('open sesame')
    expect(recordsOf(journal, 'command')).toMatchObject([{ data: { pin: '[secret]' } }])
  })
})

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsIn(item)])
}
