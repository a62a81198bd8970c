// Longer than 200 lines: one table, with a rule for each keyword of JSON Schema.
import { isDeepStrictEqual } from 'node:util'
import type { Issue } from './invalid-arguments.ts'

/** A schema at one value. */
export interface Place {
  readonly schema: Readonly<Record<string, unknown>>
  readonly value: unknown
  readonly path: readonly PropertyKey[]
  /** What of another schema does not fit at this value, or at one inside of it. */
  readonly inside: (schema: unknown, value: unknown, key?: PropertyKey) => readonly Issue[]
  /** The schema that a `$ref` names. */
  readonly target: (ref: string) => unknown
}

/** What does not fit: what was expected of the value itself, or issues of what is inside of it. */
type Outcome = string | readonly Issue[] | undefined

/** Of JSON Schema 2020-12 and draft 7; what is not listed here says nothing of a value (`title`, `deprecated`). */
export const RULES: Readonly<Record<string, (rule: unknown, place: Place) => Outcome>> = {
  type: (types, { value }) =>
    [types].flat().some((type) => isOfType(type, value)) ? undefined : `expected ${typeNames(types)}`,
  enum: (values, { value }) =>
    listOf(values).some((one) => isSame(one, value))
      ? undefined
      : `expected one of ${listOf(values)
          .map((one) => JSON.stringify(one))
          .join('|')}`,
  const: (one, { value }) => (isSame(one, value) ? undefined : `expected ${JSON.stringify(one)}`),

  minimum: (least, { schema, value }) =>
    // In draft 4 `exclusiveMinimum` is true or false, and says how `minimum` is meant.
    schema['exclusiveMinimum'] === true
      ? above(value, least)
      : unless(
          compare(value, least, (is, than) => is >= than),
          `Too small: expected number to be >=${String(least)}`,
        ),
  maximum: (most, { schema, value }) =>
    schema['exclusiveMaximum'] === true
      ? below(value, most)
      : unless(
          compare(value, most, (is, than) => is <= than),
          `Too big: expected number to be <=${String(most)}`,
        ),
  exclusiveMinimum: (least, { value }) => above(value, least),
  exclusiveMaximum: (most, { value }) => below(value, most),
  multipleOf: (step, { value }) =>
    unless(compare(value, step, isMultiple), `expected number to be a multiple of ${String(step)}`),

  minLength: (least, { value }) => atLeast(charactersOf(value), least, 'string', 'characters'),
  maxLength: (most, { value }) => atMost(charactersOf(value), most, 'string', 'characters'),
  pattern: (pattern, { value }) =>
    typeof value !== 'string' || patternOf(String(pattern)).test(value)
      ? undefined
      : `expected string to match /${String(pattern)}/`,
  format: (format, { value }) =>
    typeof value !== 'string' || (FORMATS.get(String(format))?.test(value) ?? true)
      ? undefined
      : `expected string in the format ${String(format)}`,

  minItems: (least, { value }) => atLeast(itemsOf(value), least, 'array', 'items'),
  maxItems: (most, { value }) => atMost(itemsOf(value), most, 'array', 'items'),
  uniqueItems: (unique, { value }) =>
    unique === true &&
    listOf(value).some((item, at) =>
      listOf(value)
        .slice(0, at)
        .some((one) => isSame(one, item)),
    )
      ? 'expected items that differ'
      : undefined,
  prefixItems: (schemas, { value, inside }) =>
    listOf(value).flatMap((item, at) =>
      at < listOf(schemas).length ? inside(listOf(schemas)[at], item, at) : [],
    ),
  // An array of schemas is what draft 7 calls `prefixItems`.
  items: (given, { schema, value, inside }) =>
    listOf(value).flatMap((item, at) => {
      if (Array.isArray(given)) return at < given.length ? inside(given[at], item, at) : []
      return at < listOf(schema['prefixItems']).length ? [] : inside(given, item, at)
    }),
  additionalItems: (rest, { schema, value, inside }) =>
    Array.isArray(schema['items'])
      ? listOf(value).flatMap((item, at) =>
          at < listOf(schema['items']).length ? [] : inside(rest, item, at),
        )
      : undefined,
  contains: (one, { schema, value, inside }) => {
    if (!Array.isArray(value)) return undefined
    const { minContains: least = 1, maxContains: most = Infinity } = schema
    const count = value.filter((item) => inside(one, item).length === 0).length
    if (typeof least !== 'number' || typeof most !== 'number' || (count >= least && count <= most))
      return undefined
    const upTo = most === Infinity ? '' : ` and <=${most}`
    return `expected array to have >=${least}${upTo} items that fit ${brief(one)}, ${count} do`
  },

  required: (names, { schema, value, path }) =>
    isRecord(value) ? missing(listOf(names), { schema, value, path }) : undefined,
  properties: (schemas, { value, inside }) =>
    entriesOf(schemas).flatMap(([key, schema]) =>
      has(value, key) ? inside(schema, recordOf(value)[key], key) : [],
    ),
  patternProperties: (schemas, { value, inside }) =>
    entriesOf(schemas).flatMap(([pattern, schema]) =>
      entriesOf(value).flatMap(([key, item]) =>
        patternOf(pattern).test(key) ? inside(schema, item, key) : [],
      ),
    ),
  additionalProperties: (rest, { schema, value, path, inside }) => {
    const patterns = Object.keys(recordOf(schema['patternProperties'])).map(patternOf)
    const others = entriesOf(value).filter(
      ([key]) =>
        !Object.hasOwn(recordOf(schema['properties']), key) && !patterns.some((one) => one.test(key)),
    )
    if (rest !== false) return others.flatMap(([key, item]) => inside(rest, item, key))
    if (others.length === 0) return undefined
    const names = others.map(([key]) => JSON.stringify(key)).join(', ')
    const message = `Unrecognized ${others.length > 1 ? 'keys' : 'key'}: ${names}`
    return [{ path, message, code: 'unrecognized_keys' }]
  },
  propertyNames: (schema, { value, inside }) =>
    entriesOf(value).flatMap(([key]) =>
      inside(schema, key, key).map((issue) => ({ ...issue, message: `Its name: ${issue.message}` })),
    ),
  minProperties: (least, { value }) => atLeast(fieldsOf(value), least, 'object', 'fields'),
  maxProperties: (most, { value }) => atMost(fieldsOf(value), most, 'object', 'fields'),
  dependentRequired: (needed, place) => dependent(needed, place),
  dependentSchemas: (needed, place) => dependent(needed, place),
  dependencies: (needed, place) => dependent(needed, place),

  $ref: (ref, { value, inside, target }) => inside(target(String(ref)), value),
  allOf: (schemas, { value, inside }) => listOf(schemas).flatMap((schema) => inside(schema, value)),
  anyOf: (schemas, { value, path, inside }) => {
    const errors = listOf(schemas).map((schema) => inside(schema, value))
    return errors.some((issues) => issues.length === 0) ? undefined : noOption(path, errors)
  },
  oneOf: (schemas, { value, path, inside }) => {
    const errors = listOf(schemas).map((schema) => inside(schema, value))
    const fitting = errors.filter((issues) => issues.length === 0).length
    if (fitting === 0) return noOption(path, errors)
    return fitting === 1
      ? undefined
      : `expected exactly one of ${errors.length} options to fit, ${fitting} do`
  },
  not: (schema, { value, inside }) =>
    inside(schema, value).length > 0 ? undefined : `expected nothing that fits ${brief(schema)}`,
  if: (condition, { schema, value, inside }) => {
    const consequence = inside(condition, value).length === 0 ? schema['then'] : schema['else']
    return consequence === undefined ? undefined : inside(consequence, value)
  },
}

export const TYPES: readonly string[] = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']

/** Only as far as a typing error goes; formats that are not listed are annotations. */
const FORMATS: ReadonlyMap<string, RegExp> = new Map([
  ['date', /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/],
  ['time', /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]\d\d:\d\d)$/i],
  [
    'date-time',
    /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[t ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]\d\d:\d\d)$/i,
  ],
  ['email', /^[^\s@]+@[^\s@]+$/],
  ['uri', /^[a-z][a-z0-9+.-]*:[^\s]+$/i],
  ['uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i],
])

/** With Unicode's classes where it can be read so, as the standard wants it; older patterns need not be. */
export function patternOf(source: string): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch {
    return new RegExp(source)
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that is undefined is none: JSON would lose it. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value).filter(([, item]) => item !== undefined) : []
}

function unless(fits: boolean, expected: string): Outcome {
  return fits ? undefined : expected
}

/** True also for what is no number: then the keyword says nothing of it. */
function compare(value: unknown, limit: unknown, fits: (is: number, than: number) => boolean): boolean {
  return typeof value !== 'number' || typeof limit !== 'number' || fits(value, limit)
}

function above(value: unknown, least: unknown): Outcome {
  const fits = compare(value, least, (is, than) => is > than)
  return unless(fits, `Too small: expected number to be >${String(least)}`)
}

function below(value: unknown, most: unknown): Outcome {
  const fits = compare(value, most, (is, than) => is < than)
  return unless(fits, `Too big: expected number to be <${String(most)}`)
}

function atLeast(size: number | undefined, least: unknown, ...[what, of]: [string, string]): Outcome {
  const fits = compare(size, least, (is, than) => is >= than)
  return unless(fits, `Too small: expected ${what} to have >=${String(least)} ${of}`)
}

function atMost(size: number | undefined, most: unknown, ...[what, of]: [string, string]): Outcome {
  const fits = compare(size, most, (is, than) => is <= than)
  return unless(fits, `Too big: expected ${what} to have <=${String(most)} ${of}`)
}

/** By code points, as the standard counts. */
function charactersOf(value: unknown): number | undefined {
  return typeof value === 'string' ? Array.from(value).length : undefined
}

function itemsOf(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined
}

function fieldsOf(value: unknown): number | undefined {
  return isRecord(value) ? entriesOf(value).length : undefined
}

/** Within what a division of doubles may be off: 0.07 is a multiple of 0.01. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step
  return Math.abs(quotient - Math.round(quotient)) <= Number.EPSILON * Math.abs(quotient) * 4
}

function isOfType(type: unknown, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isRecord(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

/** JSON has one zero. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || isDeepStrictEqual(one, other)
}

function typeNames(types: unknown): string {
  return [types].flat().join(' or ')
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

function has(value: unknown, key: string): boolean {
  return isRecord(value) && Object.hasOwn(value, key) && value[key] !== undefined
}

function missing(
  names: readonly unknown[],
  { schema, value, path }: Pick<Place, 'schema' | 'value' | 'path'>,
): Issue[] {
  return names
    .map(String)
    .filter((name) => !has(value, name))
    .map((name) => {
      const properties = recordOf(schema['properties'])
      const types = Object.hasOwn(properties, name) ? recordOf(properties[name])['type'] : undefined
      const message = `expected ${types === undefined ? 'a value' : typeNames(types)}`
      return { path: [...path, name], message, code: 'invalid_type' }
    })
}

/** What the presence of a field asks for: other fields, or a schema. */
function dependent(needed: unknown, { schema, value, path, inside }: Place): readonly Issue[] {
  return entriesOf(needed).flatMap(([key, need]) => {
    if (!has(value, key)) return []
    return Array.isArray(need) ? missing(need, { schema, value, path }) : inside(need, value)
  })
}

function noOption(path: readonly PropertyKey[], errors: readonly (readonly Issue[])[]): Issue[] {
  return [{ path, message: 'fits no option', code: 'invalid_union', errors }]
}

function brief(schema: unknown): string {
  const text = JSON.stringify(schema)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
