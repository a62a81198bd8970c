import { CallTool, defineTool, toolManager, type Tool } from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { z as z3 } from 'zod/v3'

/** What a tool is shown as, and what it runs with. */
async function ran(tool: Tool, args: unknown): Promise<unknown> {
  const { bus } = testBus()
  bus.attach(toolManager([tool]))
  return bus.execute(CallTool, { call: 'c1', name: tool.name, arguments: args })
}

const named = { name: 'echo', description: 'Echo.' }
const properties = (tool: Tool): unknown => tool.parameters['properties']

// G12: each shape is shown right to the model, and `run` gets the right type and value.
describe('zod 4', () => {
  test('1 enums', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ unit: z.enum(['c', 'f']).describe('The unit.') }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ unit: 'c' | 'f' }>()
        return input.unit
      },
    })
    expect(properties(tool)).toEqual({ unit: { type: 'string', enum: ['c', 'f'], description: 'The unit.' } })
    expect(await ran(tool, { unit: 'f' })).toBe('f')
  })

  test('2 optionals', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ a: z.string(), b: z.number().optional() }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ a: string; b?: number | undefined }>()
        return input
      },
    })
    expect(tool.parameters).toMatchObject({ properties: { b: { type: 'number' } }, required: ['a'] })
    expect(await ran(tool, { a: 'x' })).toEqual({ a: 'x' })
  })

  test('3 nested objects', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ at: z.object({ lat: z.number(), lon: z.number() }) }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ at: { lat: number; lon: number } }>()
        return input.at.lat
      },
    })
    expect(properties(tool)).toEqual({
      at: {
        type: 'object',
        properties: { lat: { type: 'number' }, lon: { type: 'number' } },
        required: ['lat', 'lon'],
      },
    })
    expect(await ran(tool, { at: { lat: 1, lon: 2 } })).toBe(1)
  })

  test('4 unions', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ id: z.union([z.string(), z.number()]) }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ id: string | number }>()
        return input.id
      },
    })
    expect(properties(tool)).toEqual({ id: { type: ['string', 'number'] } })
    expect(await ran(tool, { id: 7 })).toBe(7)
  })

  test('5 arrays', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ tags: z.array(z.string()).max(3) }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ tags: string[] }>()
        return input.tags
      },
    })
    expect(properties(tool)).toEqual({ tags: { type: 'array', items: { type: 'string' }, maxItems: 3 } })
    expect(await ran(tool, { tags: ['x'] })).toEqual(['x'])
  })

  test('6 defaults', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ limit: z.int().default(5) }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ limit: number }>()
        return input.limit
      },
    })
    expect(tool.parameters).toMatchObject({ properties: { limit: { type: 'integer', default: 5 } } })
    expect(tool.parameters).not.toHaveProperty('required')
    expect(await ran(tool, {})).toBe(5)
  })

  test('7 descriptions, also of what is optional and nested', () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({
        who: z.object({ name: z.string().describe('Their name.') }).describe('Whom.'),
        why: z.string().optional().describe('Why.'),
      }),
      run: () => null,
    })
    expect(properties(tool)).toMatchObject({
      who: { description: 'Whom.', properties: { name: { description: 'Their name.' } } },
      why: { description: 'Why.' },
    })
  })

  test('8 nullables', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ until: z.string().nullable() }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ until: string | null }>()
        return input.until
      },
    })
    expect(properties(tool)).toEqual({ until: { type: ['string', 'null'] } })
    expect(await ran(tool, { until: null })).toBeNull()
  })

  test('9 records', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ headers: z.record(z.string(), z.string()) }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ headers: Record<string, string> }>()
        return input.headers
      },
    })
    expect(properties(tool)).toMatchObject({
      headers: { type: 'object', additionalProperties: { type: 'string' } },
    })
    expect(await ran(tool, { headers: { a: 'b' } })).toEqual({ a: 'b' })
  })

  test('10 literals', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ kind: z.literal('mail') }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ kind: 'mail' }>()
        return input.kind
      },
    })
    expect(properties(tool)).toEqual({ kind: { type: 'string', const: 'mail' } })
    expect(await ran(tool, { kind: 'mail' })).toBe('mail')
  })

  test('11 dates, as texts that the schema reads', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ at: Date }>()
        return input.at.getUTCFullYear()
      },
    })
    expect(properties(tool)).toMatchObject({ at: { type: 'string', format: 'date-time' } })
    expect(await ran(tool, { at: '2026-01-02T03:04:05Z' })).toBe(2026)
  })

  test('12 discriminated unions', async () => {
    const tool = defineTool({
      ...named,
      parameters: z.object({
        to: z.discriminatedUnion('by', [
          z.object({ by: z.literal('mail'), address: z.string() }),
          z.object({ by: z.literal('phone'), number: z.string() }),
        ]),
      }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{
          to: { by: 'mail'; address: string } | { by: 'phone'; number: string }
        }>()
        return input.to.by
      },
    })
    expect(properties(tool)).toMatchObject({
      to: { oneOf: [{ properties: { by: { const: 'mail' } } }, { properties: { by: { const: 'phone' } } }] },
    })
    expect(await ran(tool, { to: { by: 'phone', number: '1' } })).toBe('phone')
  })
})

describe('zod 3', () => {
  test('is shown, checked with itself, and infers what run gets', async () => {
    const tool = defineTool({
      ...named,
      parameters: z3.object({
        city: z3.string().describe('Where.'),
        unit: z3.enum(['c', 'f']).default('c'),
        days: z3.number().int().optional(),
        at: z3.union([z3.string(), z3.number()]),
        nested: z3.object({ tags: z3.array(z3.string()) }).nullable(),
        trimmed: z3.string().transform((text) => text.trim()),
      }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{
          city: string
          unit: 'c' | 'f'
          days?: number | undefined
          at: string | number
          nested: { tags: string[] } | null
          trimmed: string
        }>()
        return input
      },
    })
    expect(tool.parameters).toMatchObject({
      type: 'object',
      properties: {
        city: { type: 'string', description: 'Where.' },
        unit: { type: 'string', enum: ['c', 'f'], default: 'c' },
        days: { type: 'integer' },
        at: { type: ['string', 'number'] },
        trimmed: { type: 'string' },
      },
      required: ['city', 'at', 'nested', 'trimmed'],
    })
    expect(tool.parameters).not.toHaveProperty('$schema')
    const args = { city: 'Rome', at: 3, nested: { tags: ['x'] }, trimmed: ' y ' }
    expect(await ran(tool, args)).toEqual({ ...args, unit: 'c', trimmed: 'y' })
    await expect(ran(tool, { ...args, city: 5 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: expect.stringContaining('city: Expected string, 5 came'),
    })
  })

  test('what is used twice is shown twice, not as a reference that some servers do not follow', () => {
    const place = z3.object({ city: z3.string() })
    const tool = defineTool({ ...named, parameters: z3.object({ from: place, to: place }), run: () => 1 })
    expect(JSON.stringify(tool.parameters)).not.toContain('$ref')
    expect(properties(tool)).toMatchObject({ to: { properties: { city: { type: 'string' } } } })
  })

  test('refuses what JSON can not show: dates, maps, roots that are no object, schemas in themselves', () => {
    interface Tree {
      children: Tree[]
    }
    const tree: z3.ZodType<Tree> = z3.lazy(() => z3.object({ children: z3.array(tree) }))
    const define = (parameters: z3.ZodTypeAny) => () => defineTool({ ...named, parameters, run: () => 1 })
    expect(define(z3.object({ at: z3.date() }))).toThrow(/Date can't be shown.*z\.iso\.datetime/)
    expect(define(z3.object({ by: z3.map(z3.string(), z3.number()) }))).toThrow(/Map can't be shown/)
    expect(define(z3.string())).toThrow(/object schema, not "string"/)
    expect(define(z3.object({ tree }))).toThrow(/contains itself/)
    expect(define(z3.object({ at: z3.coerce.date() }))).not.toThrow()
  })
})

describe('JSON Schema', () => {
  test('is shown as it is, and no change of the caller reaches it', () => {
    const parameters = { type: 'object' as const, properties: { a: { type: 'string' as const } } }
    const tool = defineTool({ ...named, parameters, run: (input) => input['a'] ?? null })
    Object.assign(parameters.properties, { b: { type: 'number' } })
    expect(tool.parameters).toEqual({ type: 'object', properties: { a: { type: 'string' } } })
  })

  test('refuses what is no schema at all', () => {
    const parameters = { _def: {} }
    // @ts-expect-error: what JavaScript can hand in
    expect(() => defineTool({ ...named, parameters, run: () => 1 })).toThrow(
      /neither a zod nor a JSON Schema/,
    )
  })
})

test('a schema that checks asynchronously is refused with a remedy, of zod 4 and 3', async () => {
  const tools = [
    defineTool({
      ...named,
      parameters: z.object({ a: z.string().refine(() => Promise.resolve(true)) }),
      run: () => 1,
    }),
    defineTool({
      ...named,
      parameters: z3.object({ a: z3.string().refine(() => Promise.resolve(true)) }),
      run: () => 1,
    }),
  ]
  for (const tool of tools) {
    await expect(ran(tool, { a: 'x' })).rejects.toMatchObject({
      code: 'INVALID_TOOL',
      message: expect.stringContaining('check in run'),
    })
  }
})
