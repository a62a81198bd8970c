import { readFileSync } from 'node:fs'
import { BuslineError, defineTool, ToolDescription, type JsonSchemaObject, type Tool } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

function toolOf(parameters: JsonSchemaObject): Tool {
  return defineTool({ name: 't', description: '', parameters, run: () => null })
}

/** A tool with one parameter `a` of this schema. */
function withA(schema: unknown, more: object = {}): Tool {
  return toolOf({ type: 'object', properties: { a: schema }, ...more })
}

/** How `a` is refused, or what the tool runs with. */
function checked(tool: Tool, args: unknown): unknown {
  try {
    return tool.check(args)
  } catch (error) {
    return error instanceof BuslineError ? error.data['issues'] : error
  }
}

const said = (message: string, path = 'a'): unknown => [{ path, message }]

describe('a value that a JSON Schema does not let through is refused, with what was expected', () => {
  test.each([
    ['type', { type: 'string' }, 5, 'expected string, 5 came'],
    ['several types', { type: ['string', 'null'] }, 5, 'expected string or null, 5 came'],
    [
      'allOf',
      { allOf: [{ type: 'string' }, { minLength: 3 }] },
      'ab',
      'Too small: expected string to have >=3 characters, "ab" came',
    ],
    ['type beside anyOf', { type: 'string', anyOf: [{}, { minLength: 3 }] }, 5, 'expected string, 5 came'],
    ['type beside enum', { type: 'string', enum: ['x', 1] }, 1, 'expected string, 1 came'],
    ['enum', { enum: ['x', { b: 1 }] }, { b: 2 }, 'expected one of "x"|{"b":1}, {"b":2} came'],
    ['const', { const: null }, 0, 'expected null, 0 came'],
    [
      'minItems without items',
      { type: 'array', minItems: 2 },
      [1],
      'Too small: expected array to have >=2 items, [1] came',
    ],
    [
      'uniqueItems',
      { uniqueItems: true },
      [{ b: 1 }, { b: 1 }],
      'expected items that differ, [{"b":1},{"b":1}] came',
    ],
    [
      'minLength without type',
      { minLength: 3 },
      'x',
      'Too small: expected string to have >=3 characters, "x" came',
    ],
    ['not', { not: { type: 'string' } }, 'x', 'expected nothing that fits {"type":"string"}, "x" came'],
    [
      'oneOf that fits twice',
      { oneOf: [{ type: 'number' }, { minimum: 0 }] },
      1,
      'expected exactly one of 2 options to fit, 2 do, 1 came',
    ],
    [
      'anyOf',
      { anyOf: [{ type: 'number' }, { minLength: 2 }] },
      'x',
      'fits no option (a: expected number | a: Too small: expected string to have >=2 characters), "x" came',
    ],
    [
      'exclusiveMinimum of draft 4',
      { minimum: 0, exclusiveMinimum: true },
      0,
      'Too small: expected number to be >0, 0 came',
    ],
    ['multipleOf', { multipleOf: 0.01 }, 1e-7, 'expected number to be a multiple of 0.01, 1e-7 came'],
    [
      'contains',
      { contains: { type: 'string' } },
      [1],
      'expected array to have >=1 items that fit {"type":"string"}, 0 do, [1] came',
    ],
    [
      'format',
      { format: 'date-time' },
      '2024-01-01',
      'expected string in the format date-time, "2024-01-01" came',
    ],
    ['false', false, 1, 'expected nothing, 1 came'],
  ])('%s', (_, schema, a, message) => {
    expect(checked(withA(schema), { a })).toEqual(said(message))
  })

  test.each([
    [
      'required beyond properties',
      { required: ['b'] },
      { a: 1 },
      said('expected a value, it is missing', 'b'),
    ],
    ['required with a default', { required: ['a'] }, {}, said('expected integer, it is missing')],
    [
      'anyOf of required',
      { anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      said('fits no option (a: expected a value | b: expected a value), {} came', ''),
    ],
    ['additionalProperties', { additionalProperties: false }, { b: 1 }, said('Unrecognized key: "b"', '')],
    [
      'dependentRequired',
      { dependentRequired: { a: ['b'] } },
      { a: 1 },
      said('expected a value, it is missing', 'b'),
    ],
    [
      'dependencies',
      { dependencies: { a: { required: ['c'] } } },
      { a: 1 },
      said('expected a value, it is missing', 'c'),
    ],
    [
      'if and then',
      // oxlint-disable-next-line unicorn/no-thenable
      { if: { required: ['a'] }, then: { required: ['b'] } },
      { a: 1 },
      said('expected a value, it is missing', 'b'),
    ],
    [
      'if and else',
      { if: { required: ['a'] }, else: { required: ['b'] } },
      {},
      said('expected a value, it is missing', 'b'),
    ],
    [
      'patternProperties',
      { patternProperties: { '^x': { type: 'string' } } },
      { x1: 5 },
      said('expected string, 5 came', 'x1'),
    ],
    [
      'names of Object.prototype',
      { required: ['toString'] },
      {},
      said('expected a value, it is missing', 'toString'),
    ],
  ])('%s', (_, more, args, issues) => {
    expect(checked(withA({ type: 'integer', default: 3 }, more), args)).toEqual(issues)
  })

  test('inside of arrays and references, with the path', () => {
    const tool = withA(
      { type: 'array', items: { $ref: '#/definitions/x~1y' } },
      { definitions: { 'x/y': { properties: { b: { type: 'null' } } } } },
    )
    expect(checked(tool, { a: [{}, { b: 1 }] })).toEqual(said('expected null, 1 came', 'a[1].b'))
  })

  test.each([
    ['prefixItems', { prefixItems: [{ type: 'string' }], items: false }],
    ['items of draft 7', { items: [{ type: 'string' }], additionalItems: false }],
  ])('%s', (_, schema) => {
    expect(checked(withA(schema), { a: ['x', 1] })).toEqual(said('expected nothing, 1 came', 'a[1]'))
  })
})

describe('a value that a JSON Schema lets through is run with', () => {
  test.each([
    ['a large integer', { type: 'integer' }, 1e20],
    ['an object among the enum', { enum: [{ b: [1] }] }, { b: [1] }],
    ['a letter by its Unicode class', { pattern: '^\\p{L}+$' }, 'é'],
    ['a pattern that only the older syntax has', { pattern: '^[\\w-.]+$' }, 'a.b-c'],
    ['a multiple, as far as doubles go', { multipleOf: 0.01 }, 0.07],
    ['one character of two units', { maxLength: 1 }, '😀'],
    ['a keyword for values of another type', { minLength: 3 }, 5],
    ['an unknown keyword and format', { 'x-unit': 'm', format: 'color' }, 'x'],
    ['a date with an offset', { format: 'date-time' }, '2024-02-29T00:00:00.5+02:00'],
    ['true', true, { any: 'thing' }],
  ])('%s', (_, schema, a) => {
    expect(checked(withA(schema), { a })).toEqual({ a })
  })

  test('one of two required fields', () => {
    const tool = withA({}, { oneOf: [{ required: ['a'] }, { required: ['b'] }] })
    expect(checked(tool, { a: 'x' })).toEqual({ a: 'x' })
    expect(checked(tool, { a: 'x', b: 'y' })).toEqual(
      said('expected exactly one of 2 options to fit, 2 do, {"a":"x","b":"y"} came', ''),
    )
  })

  test('itself, where the schema contains itself', () => {
    expect(checked(withA({ $ref: '#' }, { additionalProperties: false }), { a: { a: {} } })).toEqual({
      a: { a: {} },
    })
  })

  test('the defaults of absent fields, also inside, each time a copy', () => {
    const tool = withA({
      allOf: [{ properties: { list: { default: [] } } }],
      properties: { b: { default: 1 } },
    })
    const first = checked(tool, { a: { b: 2 } })
    expect(first).toEqual({ a: { b: 2, list: [] } })
    expect(Reflect.get(Reflect.get(Object(first), 'a'), 'list')).not.toBe(
      Reflect.get(Reflect.get(Object(checked(tool, { a: {} })), 'a'), 'list'),
    )
  })

  test('no prototype that the model gave', () => {
    const given: unknown = JSON.parse('{"a":1,"__proto__":{"isAdmin":true}}')
    expect(Object.keys(Object(checked(withA({}), given)))).toEqual(['a'])
  })
})

describe('a JSON Schema that can not be followed is refused when the tool is defined', () => {
  test.each([
    ['a type that there is not', { type: 'float' }, 'there is no type "float"'],
    ['a reference that leads nowhere', { $ref: '#/definitions/none' }, 'leads nowhere'],
    ['a reference that leads out', { $ref: 'https://example.com/x.json' }, 'leads out of it'],
    ['unevaluatedProperties', { unevaluatedProperties: false }, 'unevaluatedProperties is not followed'],
    ['a pattern that is none', { pattern: '(' }, 'Invalid regular expression'],
    ['a schema that is none', { items: 'string' }, 'a schema is an object, true or false, not "string"'],
    ['a circle for one value', { $ref: '#/properties/a' }, 'refers to itself for the same value'],
    [
      'a circle through other values',
      {
        items: { $ref: '#/properties/a/not' },
        not: { allOf: [{ anyOf: [{ $ref: '#/properties/a/not' }] }] },
      },
      'refers to itself for the same value',
    ],
  ])('%s', (_, schema, why) => {
    expect(() => withA(schema)).toThrow(
      expect.objectContaining({ code: 'INVALID_TOOL', message: expect.stringContaining(why) }),
    )
  })
})

test('of the accepted calls of 1 000 questions 1 744 fit the JSON Schema of their function, 3 do not', () => {
  const Row = z.object({
    id: z.string(),
    tools: z.array(ToolDescription),
    expected: z.array(z.object({ name: z.string(), arguments: z.unknown() })).nullable(),
  })
  const file = new URL('../corpus/functions/bfcl.jsonl', import.meta.url)
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => Row.parse(JSON.parse(line)))
  const outcomes = rows.flatMap(({ id, tools, expected }) =>
    (expected ?? []).map((call) => {
      const parameters = tools.find(({ name }) => name === call.name)?.parameters ?? {}
      const tool = toolOf({ ...parameters, type: 'object' })
      return { id, fits: !Array.isArray(checked(tool, call.arguments)) }
    }),
  )
  expect(outcomes.filter(({ fits }) => fits)).toHaveLength(1744)
  expect(outcomes.filter(({ fits }) => !fits).map(({ id }) => id)).toEqual([
    'simple_python_307',
    'parallel_multiple_21',
    'parallel_multiple_94',
  ])
})
