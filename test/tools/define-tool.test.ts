import {
  BuslineError,
  CallTool,
  defineTool,
  ListTools,
  memoryJournal,
  MessageBus,
  toolManager,
  type Tool,
} from 'busline'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'

async function busWith(...tools: Tool[]): Promise<MessageBus> {
  const bus = new MessageBus({ journal: memoryJournal() })
  bus.attach(toolManager(tools))
  return bus
}

function echo(parameters: z.ZodType): Tool {
  return defineTool({ name: 'echo', description: 'Echo.', parameters, run: (input) => input ?? null })
}

async function call(bus: MessageBus, args: unknown, name = 'echo'): Promise<unknown> {
  return bus.execute(CallTool, { call: 'c1', name, arguments: args })
}

describe('defineTool - what a model is told', () => {
  const shapes: [name: string, schema: z.ZodType, expected: object][] = [
    [
      'strings with descriptions',
      z.object({ a: z.string().describe('A.') }),
      { a: { type: 'string', description: 'A.' } },
    ],
    ['numbers', z.object({ a: z.number() }), { a: { type: 'number' } }],
    ['integers', z.object({ a: z.int().min(1).max(9) }), { a: { type: 'integer', minimum: 1, maximum: 9 } }],
    ['booleans', z.object({ a: z.boolean() }), { a: { type: 'boolean' } }],
    ['enums', z.object({ a: z.enum(['x', 'y']) }), { a: { type: 'string', enum: ['x', 'y'] } }],
    ['literals', z.object({ a: z.literal('x') }), { a: { type: 'string', const: 'x' } }],
    ['arrays', z.object({ a: z.array(z.string()) }), { a: { type: 'array', items: { type: 'string' } } }],
    [
      'nested objects',
      z.object({ a: z.object({ b: z.number() }) }),
      { a: { type: 'object', properties: { b: { type: 'number' } }, required: ['b'] } },
    ],
    ['unions', z.object({ a: z.union([z.string(), z.number()]) }), { a: { type: ['string', 'number'] } }],
    ['nullables', z.object({ a: z.string().nullable() }), { a: { type: ['string', 'null'] } }],
    [
      'records',
      z.object({ a: z.record(z.string(), z.number()) }),
      { a: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'number' } } },
    ],
    [
      'tuples',
      z.object({ a: z.tuple([z.string(), z.number()]) }),
      { a: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } },
    ],
  ]
  test.each(shapes)('shows %s as JSON Schema', (_name, schema, properties) => {
    expect(echo(schema).parameters).toMatchObject({ type: 'object', properties, required: ['a'] })
  })

  test('shows a property with a default or optional one as not required', () => {
    const tool = echo(z.object({ a: z.string().default('x'), b: z.string().optional() }))
    expect(tool.parameters['required']).toBeUndefined()
    expect(tool.parameters).toMatchObject({ properties: { a: { default: 'x' }, b: { type: 'string' } } })
  })

  test('keeps our own mark for secrets to itself', () => {
    const tool = echo(z.object({ key: z.string().meta({ secret: true, description: 'A key.' }).optional() }))
    expect(JSON.stringify(tool.parameters)).not.toContain('"secret"')
    expect(JSON.stringify(tool.parameters)).toContain('A key.')
  })

  test.each(['', 'a\nb', 'x'.repeat(257), '\u0000', 'a\u009b'])('refuses the name %j', (name) => {
    expect(() => defineTool({ name, description: '', parameters: z.object({}), run: () => 1 })).toThrow(
      /1 to 256 characters/,
    )
  })

  test.each(['a b', 'a.b', 'x'.repeat(256), 'Wetter für Rom', 'x/y:z'])(
    'keeps the name %j as it is',
    async (name) => {
      const tool = defineTool({ name, description: '', parameters: z.object({}), run: () => 1 })
      const bus = await busWith(tool)
      expect(await bus.execute(ListTools, {})).toMatchObject([{ name }])
      expect(await call(bus, {}, name)).toBe(1)
    },
  )

  test('refuses a root that is no object, and a schema that JSON can not show', () => {
    expect(() => echo(z.string())).toThrow(/object schema/)
    expect(() => echo(z.object({ when: z.date() }))).toThrow(/can't be shown/)
  })

  test('says how to take a date', () => {
    expect(() => echo(z.object({ when: z.date() }))).toThrow(/z\.iso\.datetime\(\)\.transform/)
  })

  test.each([
    ['effect', { effect: 'safe' }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: Infinity }],
    ['concurrency', { concurrency: 1.5 }],
    ['health', { health: true }],
    ['approval', { approval: 'yes' }],
    ['run', { run: 'x' }],
  ])('refuses an option that makes no sense: %s', (option, wrong) => {
    const tool = { name: 'x', description: '', parameters: z.object({}), run: () => 1, ...wrong }
    // @ts-expect-error: what JavaScript can hand in
    expect(() => defineTool(tool)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option: `defineTool.${option}` } }),
    )
  })
})

describe('defineTool - what it runs with', () => {
  test('infers the input from the schema and applies defaults', async () => {
    const tool = defineTool({
      name: 'echo',
      description: '',
      parameters: z.object({ city: z.string(), unit: z.enum(['c', 'f']).default('c') }),
      run(input) {
        expectTypeOf(input).toEqualTypeOf<{ city: string; unit: 'c' | 'f' }>()
        return input
      },
    })
    await expect(call(await busWith(tool), { city: 'Rome' })).resolves.toEqual({ city: 'Rome', unit: 'c' })
  })

  test('takes a JSON Schema and checks arguments against it', async () => {
    const tool = defineTool({
      name: 'echo',
      description: '',
      parameters: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
      run: (input) => input['n'],
    })
    const bus = await busWith(tool)
    await expect(call(bus, { n: 3 })).resolves.toBe(3)
    await expect(call(bus, { n: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: expect.stringContaining('n:'),
    })
  })
})

describe('toolManager', () => {
  test('lists what it offers, in order', async () => {
    const bus = await busWith(echo(z.object({})))
    await expect(bus.execute(ListTools, {})).resolves.toEqual([
      expect.objectContaining({ name: 'echo', description: 'Echo.' }),
    ])
  })

  test('rejects unknown tools by naming those that there are', async () => {
    await expect(call(await busWith(echo(z.object({}))), {}, 'nope')).rejects.toMatchObject({
      code: 'UNKNOWN_TOOL',
      message: 'There is no tool named "nope". The tools are: echo.',
    })
  })

  test('rejects arguments that are still a raw string', async () => {
    await expect(call(await busWith(echo(z.object({}))), '{"a":')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
    })
  })

  test("rejects with the tool's own error", async () => {
    const boom = new Error('no power')
    const bus = await busWith(
      defineTool({
        name: 'echo',
        description: '',
        parameters: z.object({}),
        run: () => Promise.reject(boom),
      }),
    )
    await expect(call(bus, {})).rejects.toBe(boom)
  })

  test('leaves a tool behind that does not look at its signal', async () => {
    const bus = await busWith(
      defineTool({
        name: 'echo',
        description: '',
        parameters: z.object({}),
        run: () => new Promise(() => undefined),
      }),
    )
    await expect(
      bus.execute(CallTool, { call: 'c', name: 'echo', arguments: {} }, { timeout: 5 }),
    ).rejects.toMatchObject({
      code: 'TIMED_OUT',
    })
  })

  test('refuses a result that JSON would lose', async () => {
    const bus = await busWith(
      defineTool({
        name: 'echo',
        description: '',
        parameters: z.object({}),
        run: () => ({ at: [new Date()] }),
      }),
    )
    await expect(call(bus, {})).rejects.toMatchObject({
      code: 'NOT_JSON',
      message: expect.stringContaining('at[0]'),
    })
  })

  test('refuses two tools of one name', () => {
    expect(() => toolManager([echo(z.object({})), echo(z.object({}))])).toThrow(BuslineError)
  })
})
