import { outputSchema } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { thrownBy } from '../bus/fixtures/promises.ts'

describe('outputSchema', () => {
  test('tells the form of what a zod schema takes in, defaults optional', () => {
    const schema = z.object({ city: z.string().describe('Where'), days: z.int().default(3) })
    expect(outputSchema(schema, 'forecast')).toEqual({
      name: 'forecast',
      schema: {
        type: 'object',
        properties: {
          city: { type: 'string', description: 'Where' },
          days: { type: 'integer', default: 3, minimum: -9007199254740991, maximum: 9007199254740991 },
        },
        required: ['city'],
      },
    })
  })

  test('does not tell our marks', () => {
    const schema = z.object({ key: z.string().meta({ secret: true }) })
    expect(JSON.stringify(outputSchema(schema))).not.toContain('secret')
  })

  test.each([
    ['a root that is no object', z.array(z.string()), 'output', 'z.object({ items'],
    ['what JSON Schema can not express', z.object({ at: z.date() }), 'output', 'Date'],
    ['a name that servers refuse', z.object({}), 'my output', 'my output'],
  ])('refuses %s with INVALID_OPTION', (_what, schema, name, hint) => {
    const error = thrownBy(() => outputSchema(schema, name))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
    expect(String(error)).toContain(hint)
  })

  test('refuses what is no schema with INVALID_OPTION', () => {
    for (const nothing of [undefined, null, 5, 'x', {}]) {
      const error = thrownBy(() => Reflect.apply(outputSchema, undefined, [nothing]))
      expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'schema' } })
    }
  })
})
