import { BuslineError } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { assertLosslessJson, yieldsLosslessJson } from '../../src/messages/lossless-json.ts'
import type { Schema } from '../../src/messages/schema.ts'
import { thrownBy } from '../bus/fixtures/promises.ts'

class Point {
  x = 1
}

const cycle: { list: unknown[] } = { list: [] }
cycle.list.push(1, cycle)

describe('assertLosslessJson lets through', () => {
  const shared = { x: 1 }
  test.each([
    ['null', null],
    ['an empty text', ''],
    ['half a surrogate pair', '\uD83D'],
    ['the largest number', Number.MAX_VALUE],
    ['minus zero, which comes back as zero', -0],
    ['an empty object', {}],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a key of any name', { '': 1, 'a.b': 2, ['__proto__']: 3, toString: 4 }],
    ['a property that is undefined', { a: undefined }],
    ['one object in two places', [shared, { shared }]],
  ])('%s', (_, value) => {
    expect(() => assertLosslessJson(value, 'It')).not.toThrow()
    expect(JSON.parse(JSON.stringify(value))).toEqual(withoutMinusZero(value))
  })
})

describe('assertLosslessJson refuses', () => {
  test.each<[string, unknown, string, string]>([
    ['undefined', undefined, '', 'undefined'],
    ['undefined in an array', { a: [1, undefined] }, 'a[1]', 'undefined'],
    ['a hole in an array', { a: Array(1) }, 'a[0]', 'undefined'],
    ['NaN', { a: { b: Number.NaN } }, 'a.b', 'NaN'],
    ['Infinity', [[Infinity]], '[0][0]', 'Infinity'],
    ['minus Infinity', [-Infinity], '[0]', '-Infinity'],
    ['a bigint', { a: 1n }, 'a', 'bigint'],
    ['a function', { a: () => 1 }, 'a', 'function'],
    ['a symbol', [Symbol('s')], '[0]', 'symbol'],
    ['a date', { at: new Date(0) }, 'at', 'Date'],
    ['a map', new Map(), '', 'Map'],
    ['a set', [new Set()], '[0]', 'Set'],
    ['a regular expression', { re: /x/ }, 're', 'RegExp'],
    ['an error', { error: new Error('x') }, 'error', 'Error'],
    ['bytes', { bytes: new Uint8Array(1) }, 'bytes', 'Uint8Array'],
    ['an instance of a class', { point: new Point() }, 'point', 'Point'],
    ['a cycle', { cycle }, 'cycle.list[1]', 'a cycle'],
    ['what nests deeper than 1000 levels', nested(1001), '[0]'.repeat(1000), 'more than 1000 levels'],
  ])('%s, naming its path', (_, value, path, found) => {
    const error = thrownBy(() => assertLosslessJson(value, 'The input'))

    expect(error).toBeInstanceOf(BuslineError)
    expect(error).toMatchObject({ code: 'NOT_JSON', data: { path, found } })
    expect(error).toHaveProperty('message', expect.stringContaining(`The input holds ${found}`))
    if (path) expect(error).toHaveProperty('message', expect.stringContaining(` at ${path},`))
  })

  test('nothing that nests exactly 1000 levels', () => {
    expect(() => assertLosslessJson(nested(1000), 'It')).not.toThrow()
  })
})

/** Values as they turn up: mostly JSON, with something that JSON would lose strewn in. */
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.jsonValue(),
    fc.constantFrom<unknown>(undefined, Number.NaN, Infinity, 1n, new Date(0), new Map(), () => 1),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 3 }),
  ),
})).value

test('whatever assertLosslessJson lets through comes back from JSON equal', () => {
  fc.assert(
    fc.property(anything, (value) => {
      if (accepts(value))
        expect(JSON.parse(JSON.stringify(value))).toStrictEqual(withoutUndefined(withoutMinusZero(value)))
    }),
    { numRuns: 500 },
  )
})

test('assertLosslessJson lets every JSON value through', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(() => assertLosslessJson(value, 'It')).not.toThrow()
    }),
  )
})

const Recursive = z.object({
  get children() {
    return z.array(Recursive)
  },
})

describe('yieldsLosslessJson says yes for', () => {
  test.each<[string, Schema]>([
    ['texts', z.string().min(1)],
    ['formats of texts', z.email()],
    ['numbers', z.number().int().max(5)],
    ['booleans', z.boolean()],
    ['null', z.null()],
    ['enums', z.enum(['a', 'b'])],
    ['literals', z.literal(['a', 1, true, null])],
    ['template literals', z.templateLiteral(['a-', z.number()])],
    ['arrays', z.array(z.array(z.string()))],
    [
      'objects with optional properties',
      z.object({ a: z.string().optional(), b: z.object({ c: z.number() }) }),
    ],
    ['nullables', z.object({ a: z.string().nullable(), b: z.string().nullish() })],
    ['unions', z.union([z.string(), z.object({ a: z.number() })])],
    [
      'discriminated unions',
      z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b') })]),
    ],
  ])('%s', (_, schema) => {
    expect(yieldsLosslessJson(schema)).toBe(true)
  })
})

describe('yieldsLosslessJson says no for', () => {
  test.each<[string, Schema]>([
    ['unknown', z.unknown()],
    ['any', z.any()],
    ['dates', z.date()],
    ['bigints', z.bigint()],
    ['NaN', z.nan()],
    ['undefined', z.undefined()],
    ['an optional that is not a property', z.array(z.string().optional())],
    ['objects that keep unknown keys', z.looseObject({})],
    ['objects with a catchall', z.object({}).catchall(z.date())],
    ['records', z.record(z.string(), z.unknown())],
    ['maps', z.map(z.string(), z.string())],
    ['sets', z.set(z.string())],
    ['transforms', z.string().transform(() => Number.NaN)],
    ['codecs', z.codec(z.string(), z.date(), { decode: (s) => new Date(s), encode: (d) => d.toISOString() })],
    ['preprocessing', z.preprocess((x) => x, z.string())],
    ['custom', z.custom<string>(() => true)],
    ['instances', z.instanceof(Point)],
    ['defaults, which zod does not parse', z.object({ limit: z.number().default(Infinity) })],
    ['catches', z.number().catch(Number.NaN)],
    ['prefaults', z.number().prefault(1)],
    ['overwriting checks', z.number().overwrite(() => Number.NaN)],
    ['checks that may assign', z.number().check((payload) => void (payload.value = Number.NaN))],
    [
      'refinements of objects, which may add to them',
      z.object({}).refine((o) => Object.assign(o, { f() {} })),
    ],
    ['the literal NaN', z.literal(Number.NaN)],
    ['literals that are undefined or bigint', z.literal([undefined, 1n])],
    ['enums with an infinite member', z.enum({ Max: Infinity })],
    ['schemas that contain themselves', Recursive],
    ['lazy schemas', z.lazy(() => z.string())],
    ['promises', z.promise(z.string())],
    ['symbols', z.symbol()],
    ['a union with one of these', z.union([z.string(), z.date()])],
    ['an object with one of these', z.object({ a: z.object({ b: z.unknown() }) })],
  ])('%s', (_, schema) => {
    expect(yieldsLosslessJson(schema)).toBe(false)
  })
})

/** Schemas put together at random, from harmless and harmful parts. */
const schemas = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<Schema>(
      z.string(),
      z.number(),
      z.int(),
      z.boolean(),
      z.null(),
      z.unknown(),
      z.undefined(),
      z.bigint(),
      z.date(),
      z.nan(),
      z.literal([1, Number.NaN]),
      z.enum({ A: 'a', Max: Infinity }),
      z.coerce.number(),
      z.number().default(Infinity),
      z.number().catch(Number.NaN),
      z.number().overwrite((n) => n / 0),
      z.string().transform(() => () => 1),
    ),
    tie('schema').map((inner) => z.array(inner)),
    tie('schema').map((inner) => z.optional(inner)),
    tie('schema').map((inner) => z.nullable(inner)),
    tie('schema').map((inner) => z.object({ a: inner })),
    tie('schema').map((inner) => z.looseObject({ b: inner })),
    fc.tuple(tie('schema'), tie('schema')).map(([one, other]) => z.union([one, other])),
    fc.tuple(tie('schema'), tie('schema')).map((both) => z.tuple(both)),
    tie('schema').map((inner) => z.record(z.string(), inner)),
  ),
})).schema

test('yieldsLosslessJson never says yes for a schema that lets a lossy value through', () => {
  const values = fc.oneof(
    anything,
    fc.record({ a: anything, b: anything }, { requiredKeys: [] }),
    fc.array(fc.oneof(anything, fc.record({ a: anything }))),
  )
  fc.assert(
    fc.property(schemas, values, (schema, value) => {
      if (!yieldsLosslessJson(schema)) return
      const parsed = z.safeParse(schema, value)
      if (parsed.success) expect(() => assertLosslessJson(parsed.data, 'It')).not.toThrow()
    }),
    { numRuns: 1000 },
  )
})

function accepts(value: unknown): boolean {
  try {
    assertLosslessJson(value, 'It')
    return true
  } catch {
    return false
  }
}

/** JSON writes minus zero as 0, the same number to every program. */
function withoutMinusZero(value: unknown): unknown {
  return mapped(value, (item) => (Object.is(item, -0) ? 0 : item))
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, withoutUndefined(item)]),
  )
}

function mapped(value: unknown, change: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, change))
  if (typeof value !== 'object' || value === null) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, change)]))
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}
