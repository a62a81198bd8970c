import { BuslineError } from './busline-error.ts'
import type { Schema } from './schema.ts'

/** A value that survives JSON unchanged. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/**
 * Refuses what JSON would lose: undefined in an array, NaN, Infinity, bigint, functions, symbols, cycles, and
 * objects other than plain ones (a Date would come back as a string, a Map as `{}`). An undefined property
 * counts as absent.
 *
 * @throws BuslineError `NOT_JSON` that names the path of the first such value.
 */
export function assertLosslessJson(value: unknown, what: string): void {
  walk(value, what, '', [])
}

function walk(value: unknown, what: string, path: string, ancestors: object[]): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (Number.isFinite(value)) return
      throw notJson(what, path, String(value))
    case 'object':
      break
    default:
      throw notJson(what, path, typeof value)
  }
  if (value === null) return
  if (ancestors.includes(value)) throw notJson(what, path, 'a cycle')

  ancestors.push(value)
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      walk(value[index], what, `${path}[${index}]`, ancestors)
  } else {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      throw notJson(what, path, value.constructor?.name ?? 'an object with a prototype')
    }
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) walk(item, what, path ? `${path}.${key}` : key, ancestors)
    }
  }
  ancestors.pop()
}

function notJson(what: string, path: string, found: string): BuslineError {
  const where = path ? ` at ${path}` : ''
  return new BuslineError(
    'NOT_JSON',
    `${what} holds ${found}${where}, which JSON would lose. Send plain objects, arrays, strings, finite numbers, booleans and null.`,
    { data: { path, found } },
  )
}

const SCALARS = new Set(['string', 'number', 'int', 'boolean', 'null', 'enum', 'template_literal'])

/**
 * Whether everything that a schema lets through is lossless JSON, so that its values need no second look.
 * Says no whenever it can't tell: transforms, custom checks that keep unknown keys, any, unknown, dates.
 */
export function yieldsLosslessJson(schema: Schema): boolean {
  const definition: object & { type: string } = schema._zod.def
  if (SCALARS.has(definition.type)) return !('coerce' in definition && definition.coerce)
  if (definition.type === 'object' && 'shape' in definition) {
    return (
      !('catchall' in definition && definition.catchall) && schemasOf(definition.shape).every(yieldsOptional)
    )
  }
  if (definition.type === 'array' && 'element' in definition) return one(definition.element)
  if (definition.type === 'nullable' && 'innerType' in definition) return one(definition.innerType)
  if (definition.type === 'union' && 'options' in definition)
    return schemasOf(definition.options).every(yieldsLosslessJson)
  if (definition.type === 'literal' && 'values' in definition) {
    return (
      Array.isArray(definition.values) &&
      definition.values.every((value) => value !== undefined && typeof value !== 'bigint')
    )
  }
  return false
}

/** An object's property may be undefined, which counts as absent; an array's element may not. */
function yieldsOptional(schema: Schema): boolean {
  const definition: object & { type: string } = schema._zod.def
  const unwraps = definition.type === 'optional' || definition.type === 'default'
  return unwraps && 'innerType' in definition
    ? isSchema(definition.innerType) && yieldsOptional(definition.innerType)
    : yieldsLosslessJson(schema)
}

function one(inner: unknown): boolean {
  return isSchema(inner) && yieldsLosslessJson(inner)
}

function schemasOf(container: unknown): Schema[] {
  return typeof container === 'object' && container !== null ? Object.values(container).filter(isSchema) : []
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && '_zod' in value
}
