import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { maskUnparsed, secretMask } from '../../src/messages/secret-fields.ts'

const pin = z.string().meta({ secret: true })

describe('secretMask', () => {
  const cases: [name: string, schema: z.ZodType, value: unknown, masked: unknown][] = [
    ['a field', z.object({ pin, a: z.number() }), { pin: '1', a: 2 }, { pin: '[secret]', a: 2 }],
    ['an optional field', z.object({ pin: pin.optional() }), { pin: '1' }, { pin: '[secret]' }],
    [
      'a nullable field with a default',
      z.object({ pin: pin.nullable().default('x') }),
      { pin: '1' },
      { pin: '[secret]' },
    ],
    [
      'a field marked outside of its wrapper',
      z.object({ pin: z.string().optional().meta({ secret: true }) }),
      { pin: '1' },
      { pin: '[secret]' },
    ],
    [
      'a field that was described later',
      z.object({ pin: pin.describe('A pin.') }),
      { pin: '1' },
      { pin: '[secret]' },
    ],
    ['nested objects', z.object({ a: z.object({ pin }) }), { a: { pin: '1' } }, { a: { pin: '[secret]' } }],
    [
      'a whole object',
      z.object({ a: z.object({ b: z.number() }).meta({ secret: true }) }),
      { a: { b: 1 } },
      { a: '[secret]' },
    ],
    [
      'arrays',
      z.object({ all: z.array(z.object({ pin })) }),
      { all: [{ pin: '1' }] },
      { all: [{ pin: '[secret]' }] },
    ],
    ['records', z.record(z.string(), pin), { a: '1' }, { a: '[secret]' }],
    ['unions', z.union([z.object({ pin }), z.object({ code: pin })]), { code: '1' }, { code: '[secret]' }],
    [
      'intersections',
      z.intersection(z.object({ pin }), z.object({ a: z.number() })),
      { pin: '1', a: 1 },
      { pin: '[secret]', a: 1 },
    ],
    ['what a pipe gives', z.string().pipe(pin), '1', '[secret]'],
    ['items of a tuple', z.tuple([pin, z.number()]), ['1', 2], ['[secret]', 2]],
    ['the rest of a tuple', z.tuple([z.number()], pin), [1, '2', '3'], [1, '[secret]', '[secret]']],
    ['a catchall', z.object({ a: z.number() }).catchall(pin), { a: 1, b: '2' }, { a: 1, b: '[secret]' }],
    ['the keys of a record', z.object({ a: z.record(pin, z.number()) }), { a: { x: 1 } }, { a: '[secret]' }],
    [
      'what a transform makes of a marked value',
      z.object({ x: pin.transform(Number) }),
      { x: 1 },
      { x: '[secret]' },
    ],
    [
      'what a pipe makes of a marked value',
      z.object({ x: pin.pipe(z.string()) }),
      { x: '1' },
      { x: '[secret]' },
    ],
    [
      'what a codec makes of a marked value',
      z.object({
        x: z.codec(pin, z.number(), { decode: Number, encode: String }),
      }),
      { x: 1 },
      { x: '[secret]' },
    ],
    [
      'what a transform makes of an object with a mark, whatever it calls it',
      z.object({ a: z.object({ pin }).transform((value) => ({ code: value.pin })) }),
      { a: { code: '1' } },
      { a: '[secret]' },
    ],
    [
      'what a transform of a transform makes of a marked value',
      pin.transform((text) => ({ text })).transform(({ text }) => [text]),
      ['1'],
      '[secret]',
    ],
    [
      'what comes out of preprocessing',
      z.preprocess((value) => value, z.object({ pin, a: z.number() })),
      { pin: '1', a: 2 },
      { pin: '[secret]', a: 2 },
    ],
    [
      'part of a template',
      z.object({ url: z.templateLiteral(['key=', pin]) }),
      { url: 'key=1' },
      { url: '[secret]' },
    ],
    ['the root', pin, '1', '[secret]'],
    [
      'lazy schemas',
      z.object({ a: z.lazy(() => z.object({ pin })) }),
      { a: { pin: '1' } },
      { a: { pin: '[secret]' } },
    ],
  ]
  test.each(cases)('hides %s', (_name, schema, value, masked) => {
    const before = structuredClone(value)
    expect(secretMask(schema)?.(value)).toEqual(masked)
    expect(value).toEqual(before)
  })

  test('keeps null, undefined and absent as they are', () => {
    const mask = secretMask(z.object({ pin: pin.nullish() }))
    expect([mask?.({ pin: null }), mask?.({})]).toEqual([{ pin: null }, {}])
  })

  test('comes to an end on a schema that contains itself', () => {
    const Tree = z.object({
      pin,
      get children() {
        return z.array(Tree)
      },
    })
    expect(secretMask(Tree)?.({ pin: '1', children: [{ pin: '2', children: [] }] })).toEqual({
      pin: '[secret]',
      children: [{ pin: '[secret]', children: [] }],
    })
  })

  test('is nothing for a schema without marks', () => {
    expect(secretMask(z.object({ a: z.string(), b: z.array(z.number()).optional() }))).toBeUndefined()
  })
})

describe('maskUnparsed', () => {
  const ofPin = z.object({ pin })
  const cases: [name: string, schema: z.ZodType, value: unknown, masked: unknown][] = [
    ['a field', z.object({ pin, a: z.number() }), { pin: '1', a: 'no' }, { pin: '[secret]', a: 'no' }],
    ['a field of another form', ofPin, { pin: { is: ['1'] } }, { pin: '[secret]' }],
    ['what should be an object', ofPin, 'pin=1', '[secret]'],
    ['a list of what should be one object', ofPin, [{ pin: '1' }], '[secret]'],
    ['what should be a list', z.array(ofPin), { 0: { pin: '1' } }, '[secret]'],
    ['what should be a tuple', z.tuple([pin]), '1', '[secret]'],
    ['what should be a record', z.record(z.string(), pin), ['1'], '[secret]'],
    ['what has the form of no option', z.union([ofPin, z.array(pin)]), 'pin=1', '[secret]'],
    [
      'what becomes secret by a transform',
      z
        .string()
        .transform((text) => ({ pin: text }))
        .pipe(ofPin),
      '1',
      '[secret]',
    ],
    [
      'what becomes secret by preprocessing',
      z.preprocess(() => ({ pin: '1' }), ofPin),
      { p: '1' },
      '[secret]',
    ],
    ['what a transform is given', ofPin.transform(() => 1), { pin: '1', a: 1 }, { pin: '[secret]', a: 1 }],
    ['what a codec is given', z.codec(pin, z.number(), { decode: Number, encode: String }), '1', '[secret]'],
  ]
  test.each(cases)('hides %s', (_name, schema, value, masked) => {
    expect(maskUnparsed(schema, value)).toEqual(masked)
  })

  test('leaves what has the form of an option without marks', () => {
    const schema = z.union([ofPin.optional(), z.union([z.array(pin), z.string()])])
    expect(maskUnparsed(schema, 'hello')).toBe('hello')
  })

  test('leaves values of a schema without marks as they are, transforms and all', () => {
    const Tree = z.object({
      get child() {
        return Tree.transform(String).optional()
      },
    })
    const value = { child: { any: 'form' } }
    expect(maskUnparsed(Tree, value)).toBe(value)
    expect(maskUnparsed(z.lazy(() => z.string()).transform(Number), 'x')).toBe('x')
  })
})
