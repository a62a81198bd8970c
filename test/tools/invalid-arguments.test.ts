import { CallTool, defineTool, toolManager } from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const forecast = defineTool({
  name: 'forecast',
  description: 'A forecast.',
  effect: 'read',
  parameters: z.strictObject({
    city: z.string(),
    unit: z.enum(['c', 'f']).optional(),
    days: z.int().min(1).max(7).optional(),
    at: z.union([z.string(), z.object({ lat: z.number() })]).optional(),
    tags: z.array(z.string()).optional(),
    by: z
      .discriminatedUnion('kind', [z.object({ kind: z.literal('x') }), z.object({ kind: z.literal('y') })])
      .optional(),
  }),
  run: (input) => input,
})

/** What a model reads of a call with these arguments. */
async function told(args: unknown): Promise<string> {
  const { bus } = testBus()
  bus.attach(toolManager([forecast]))
  const error: unknown = await bus
    .execute(CallTool, { call: 'c1', name: 'forecast', arguments: args })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENTS', data: { issues: expect.any(Array) } })
  return error instanceof Error ? error.message : ''
}

describe('arguments that do not fit', () => {
  test.each([
    ['what is missing', {}, 'city: expected string, it is missing'],
    ['what is of another type', { city: 5 }, 'city: expected string, 5 came'],
    ['what is none of the options', { city: 'x', unit: 'k' }, 'unit: expected one of "c"|"f", "k" came'],
    ['what is out of bounds', { city: 'x', days: 9 }, 'days: Too big: expected number to be <=7, 9 came'],
    ['what is too much', { city: 'x', town: 'y' }, 'Unrecognized key: "town"'],
    ['what is deep inside', { city: 'x', tags: ['a', null] }, 'tags[1]: expected string, null came'],
    [
      'what fits no option of a union',
      { city: 'x', at: { lat: 'n' } },
      'at: fits no option (expected string | lat: expected number), {"lat":"n"} came',
    ],
    [
      'what has no such kind',
      { city: 'x', by: { kind: 'z' } },
      `by.kind: Invalid discriminator value. Expected 'x' | 'y', "z" came`,
    ],
  ])('are told with field, expectation and value: %s', async (_name, args, expected) => {
    expect(await told(args)).toBe(`The call of forecast does not fit its schema. ${expected}`)
  })

  test('are told all at once', async () => {
    expect(await told({ unit: 'k', days: 'two' })).toBe(
      'The call of forecast does not fit its schema. city: expected string, it is missing; unit: expected one of "c"|"f", "k" came; days: expected number, "two" came',
    )
  })

  test('are told shortly, however long and many they are', async () => {
    expect((await told({ city: ['x'.repeat(100_000)] })).length).toBeLessThan(200)
    const many = await told({ city: 'x', tags: Array.from({ length: 1000 }, () => 7) })
    expect(many).toMatch(/; and 990 more$/)
    expect(many.length).toBeLessThan(1000)
  })

  test('that are no JSON: where it breaks', async () => {
    expect(await told('{"city":"Rome",')).toBe(
      'The call of forecast does not fit its schema. Its arguments are no JSON object: after 15 characters a name in double quotes was expected, the end of the text came, near "{\\"city\\":\\"Rome\\",⟨here⟩".',
    )
  })

  test.each(['[1]', '"x"', '{"city":"Rome"}'])(
    'are not read out of a text, whatever it holds: %s',
    async (text) => {
      expect(await told(text)).toContain('a JSON object is needed')
    },
  )

  test.each([[[1]], [null], [7]])('that are no object: %j', async (args) => {
    expect(await told(args)).toContain(`expected object, ${JSON.stringify(args)} came`)
  })
})
