import type * as z from 'zod'
import { BuslineError } from './busline-error.ts'
import { schemasOf } from './inner-schemas.ts'
import type { Schema } from './schema.ts'

/** A value that survives JSON unchanged. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/** No honest message nests deeper; JSON.stringify itself gives up at about 5 000. */
const DEEPEST = 1000

/**
 * Refuses what JSON would lose: undefined in an array, NaN, Infinity, bigint, functions, symbols, cycles, and
 * objects other than plain ones (a Date would come back as a string, a Map as `{}`); and what nests deeper than 1000
 * levels. An undefined property counts as absent.
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
  if (ancestors.length === DEEPEST) throw notJson(what, path, `more than ${DEEPEST} levels`)

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

const SCALARS = new Set(['string', 'number', 'int', 'boolean', 'null', 'template_literal'])

/**
 * Whether everything that a schema lets through is lossless JSON, so that its values need no second look.
 * Says no whenever it can't tell: transforms, checks that may change the value, defaults (zod does not parse them),
 * schemas that contain themselves, custom checks that keep unknown keys, any, unknown, dates.
 */
export function yieldsLosslessJson(schema: Schema, within: readonly Schema[] = []): boolean {
  const definition: object & { type: string } = schema._zod.def
  if (within.includes(schema) || mayChange(definition)) return false
  if (SCALARS.has(definition.type)) return !('coerce' in definition && definition.coerce)

  const deeper = [...within, schema]
  const all = (container: unknown, yields: typeof yieldsOptional = yieldsLosslessJson): boolean =>
    schemasOf(container).every((inner) => yields(inner, deeper))
  if (definition.type === 'object' && 'shape' in definition) {
    return !('catchall' in definition && definition.catchall) && all(definition.shape, yieldsOptional)
  }
  if (definition.type === 'array' && 'element' in definition) return all([definition.element])
  if (definition.type === 'nullable' && 'innerType' in definition) return all([definition.innerType])
  if (definition.type === 'union' && 'options' in definition) return all(definition.options)
  if (definition.type === 'literal' && 'values' in definition) return areJson(definition.values)
  if (definition.type === 'enum' && 'entries' in definition) return areJson(definition.entries)
  return false
}

/** An object's property may be undefined, which counts as absent; an array's element may not. */
function yieldsOptional(schema: Schema, within: readonly Schema[]): boolean {
  const definition: object & { type: string } = schema._zod.def
  return definition.type === 'optional' && 'innerType' in definition
    ? schemasOf([definition.innerType]).every((inner) => yieldsOptional(inner, within))
    : yieldsLosslessJson(schema, within)
}

/** `overwrite` (of which `trim` is one) and custom checks (`check`, `refine`) are handed the value to do as they like. */
function mayChange(definition: object): boolean {
  if (!('checks' in definition) || !Array.isArray(definition.checks)) return false
  return definition.checks.some((check: z.core.$ZodCheck) =>
    ['overwrite', 'custom'].includes(check._zod.def.check),
  )
}

function areJson(container: unknown): boolean {
  const values: unknown[] =
    typeof container === 'object' && container !== null ? Object.values(container) : []
  return values.every((value) =>
    typeof value === 'number'
      ? Number.isFinite(value)
      : value === null || typeof value === 'string' || typeof value === 'boolean',
  )
}
