import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { secretMask } from '../../src/messages/secret-fields.ts'

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
    ['what a transform gives', z.string().pipe(pin), '1', '[secret]'],
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
