import { isSchema } from './inner-schemas.ts'
import type { Schema } from './schema.ts'
import { holdsMark, isMarked, lazySchema, schemasAt } from './secret-marks.ts'

/** A value without what its schema marks as secret; the value itself is left as it is. */
export type Mask = (value: unknown) => unknown

/** What is recorded in the place of a secret. */
export const SECRET_PLACEHOLDER = '[secret]'

/** Whether a value is what came out of its schema, or what was given to it. */
type Side = 'parsed' | 'given'

interface Masking {
  readonly side: Side
  /** Whether there is anything to hide inside of a schema. */
  readonly holds: (schema: Schema) => boolean
}

/**
 * The mask for values that a schema has parsed, of which fields are marked with `.meta({ secret: true })`, wherever they
 * stand: zod's own wrappers (`.optional()`, `.default()`, …) lose the mark, so they are looked through. What a transform,
 * a pipe or a codec makes of a marked value may have any form, so it is hidden whole. Undefined when nothing is marked,
 * so that ordinary messages pay nothing.
 */
export function secretMask(schema: Schema): Mask | undefined {
  // Until a value comes, because what a lazy schema stands for may not exist before.
  if (!holdsMark(schema, 'count')) return undefined
  const masking = maskingOf('parsed')
  return (value) => mask(schema, value, masking)
}

/**
 * A value that was given to a schema and is not parsed, without what the schema marks as secret: of what was refused, or
 * is kept to be parsed later. What has another form than the schema is hidden whole where a mark could be meant, and so is
 * what becomes secret by a transform, a pipe or a codec. Looks through the schema at each call.
 */
export function maskUnparsed(schema: Schema, value: unknown): unknown {
  return mask(schema, value, maskingOf('given'))
}

function maskingOf(side: Side): Masking {
  const known = new Map<Schema, boolean>()
  const holds = (schema: Schema): boolean => {
    const found = known.get(schema) ?? holdsMark(schema, 'open')
    known.set(schema, found)
    return found
  }
  return { side, holds }
}

function mask(schema: Schema, value: unknown, masking: Masking): unknown {
  // That there is none is no secret.
  if (value === undefined || value === null || !masking.holds(schema)) return value
  if (isMarked(schema)) return SECRET_PLACEHOLDER
  return maskInside(schema, value, masking)
}

/** Of a schema that holds a mark, and is not marked itself. */
function maskInside(schema: Schema, value: unknown, masking: Masking): unknown {
  const inner = (place: string): Schema[] => schemasAt(schema, place)
  switch (schema._zod.def.type) {
    case 'object':
      return maskFields(schema, value, masking)
    case 'record':
      if (!isRecord(value) || inner('keyType').some(masking.holds)) return SECRET_PLACEHOLDER
      return mapFields(value, (item) => maskAll(inner('valueType'), item, masking))
    case 'array':
      if (!Array.isArray(value)) return SECRET_PLACEHOLDER
      return value.map((item) => maskAll(inner('element'), item, masking))
    case 'tuple':
      return maskItems(inner('items'), inner('rest'), value, masking)
    case 'union':
      return maskOptions(inner('options'), value, masking)
    case 'intersection':
      return maskAll([...inner('left'), ...inner('right')], value, masking)
    case 'pipe':
      return maskPipe(inner('in'), inner('out'), value, masking)
    case 'lazy':
      return maskAll(lazySchema(schema), value, masking)
    default: {
      const wrapped = inner('innerType')
      return wrapped.length > 0 ? maskAll(wrapped, value, masking) : SECRET_PLACEHOLDER
    }
  }
}

/** Each schema hides what it knows of the value. */
function maskAll(schemas: readonly Schema[], value: unknown, masking: Masking): unknown {
  return schemas.reduce((masked, schema) => mask(schema, masked, masking), value)
}

function maskFields(schema: Schema, value: unknown, masking: Masking): unknown {
  if (!isRecord(value)) return SECRET_PLACEHOLDER
  const definition: object = schema._zod.def
  const shape = 'shape' in definition && isRecord(definition.shape) ? definition.shape : {}
  const others = schemasAt(schema, 'catchall')
  return mapFields(value, (item, key) => {
    const field = Object.hasOwn(shape, key) ? shape[key] : undefined
    return maskAll(isSchema(field) ? [field] : others, item, masking)
  })
}

function maskItems(
  items: readonly Schema[],
  rest: readonly Schema[],
  value: unknown,
  masking: Masking,
): unknown {
  if (!Array.isArray(value)) return SECRET_PLACEHOLDER
  return value.map((item, index) => {
    const schema = items[index]
    return maskAll(schema ? [schema] : rest, item, masking)
  })
}

/** Which option a value belongs to is not known, so all whose form it has hide what they know of it. */
function maskOptions(options: readonly Schema[], value: unknown, masking: Masking): unknown {
  const fitting = options.filter((option) => mayHold(option, value))
  return fitting.length > 0 ? maskAll(fitting, value, masking) : SECRET_PLACEHOLDER
}

/** What goes in has the form of the one, what comes out that of the other; nothing tells which part became which. */
function maskPipe(
  into: readonly Schema[],
  out: readonly Schema[],
  value: unknown,
  masking: Masking,
): unknown {
  const [own, other] = masking.side === 'parsed' ? [out, into] : [into, out]
  return other.some(masking.holds) ? SECRET_PLACEHOLDER : maskAll(own, value, masking)
}

/** Whether a value has the form that a schema asks for, as far as objects and arrays go. */
function mayHold(schema: Schema, value: unknown): boolean {
  const all = (place: string): boolean => schemasAt(schema, place).every((inner) => mayHold(inner, value))
  switch (schema._zod.def.type) {
    case 'object':
    case 'record':
      return isRecord(value)
    case 'array':
    case 'tuple':
      return Array.isArray(value)
    case 'union':
      return schemasAt(schema, 'options').some((option) => mayHold(option, value))
    case 'intersection':
      return all('left') && all('right')
    default:
      return all('innerType')
  }
}

function mapFields(
  value: Record<string, unknown>,
  change: (item: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item, key)]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
