import * as z from 'zod'
import { isSchema, schemasOf } from './inner-schemas.ts'
import type { Schema } from './schema.ts'

/** Where zod's definitions hold further schemas, alone, in a list or by name. */
const PLACES = [
  'shape',
  'catchall',
  'element',
  'items',
  'rest',
  'keyType',
  'valueType',
  'options',
  'left',
  'right',
  'in',
  'out',
  'parts',
  'innerType',
]

/** Whether a schema itself is marked with `.meta({ secret: true })`. */
export function isMarked(schema: Schema): boolean {
  return z.globalRegistry.get(schema)?.['secret'] === true
}

/**
 * Whether any schema inside of this one, or it itself, is marked. A lazy schema may not exist yet, so it is looked into
 * only with `lazies: 'open'`; `'count'` takes each for marked.
 */
export function holdsMark(schema: Schema, lazies: 'open' | 'count'): boolean {
  // A set goes on to what is added while it is walked: each schema once, also one that contains itself.
  const found = new Set([schema])
  for (const one of found) {
    if (isMarked(one) || (lazies === 'count' && one._zod.def.type === 'lazy')) return true
    for (const inner of innerSchemas(one)) found.add(inner)
  }
  return false
}

/** The schemas in one place of a definition, such as `items`; none where there is no such place. */
export function schemasAt(schema: Schema, place: string): Schema[] {
  const held: unknown = Reflect.get(schema._zod.def, place)
  return isSchema(held) ? [held] : schemasOf(held)
}

/** What a lazy schema stands for, alone in a list; nothing of any other, and of one whose function gives no schema. */
export function lazySchema(schema: Schema): Schema[] {
  const definition: object = schema._zod.def
  if (!('getter' in definition) || typeof definition.getter !== 'function') return []
  return schemasOf([definition.getter()])
}

function innerSchemas(schema: Schema): Schema[] {
  return [...PLACES.flatMap((place) => schemasAt(schema, place)), ...lazySchema(schema)]
}
