import * as z from 'zod'
import type { Schema } from './schema.ts'

/** A value without what its schema marks as secret; the value itself is left as it is. */
export type Mask = (value: unknown) => unknown

const PLACEHOLDER = '[secret]'

/**
 * The mask of a schema whose fields are marked with `.meta({ secret: true })`, wherever they stand: zod's own wrappers
 * (`.optional()`, `.default()`, …) lose the mark, so they are looked through. Undefined when nothing is marked, so that
 * ordinary messages pay nothing. Transforms are judged by what comes out of them.
 */
export function secretMask(schema: Schema): Mask | undefined {
  return maskOf(schema, new Map())
}

/** `known` holds what is being worked out, so that a schema which contains itself comes to an end. */
function maskOf(schema: Schema, known: Map<Schema, Mask | undefined>): Mask | undefined {
  if (known.has(schema)) return known.get(schema)
  if (z.globalRegistry.get(schema)?.['secret'] === true) return hide
  // Until it is known better: look it up again when a value comes.
  known.set(schema, (value) => found?.(value) ?? value)
  const found = maskInside(schema, known)
  known.set(schema, found)
  return found
}

function hide(value: unknown): unknown {
  return value === undefined || value === null ? value : PLACEHOLDER
}

function maskInside(schema: Schema, known: Map<Schema, Mask | undefined>): Mask | undefined {
  const definition: object & { type: string } = schema._zod.def
  const inner = (name: string): Schema[] => schemasIn(definition, name)
  switch (definition.type) {
    case 'object':
      return maskFields(definition, known)
    case 'array':
      return maskEach(inner('element'), known, (value, mask) =>
        Array.isArray(value) ? value.map(mask) : value,
      )
    case 'record':
      return maskEach(inner('valueType'), known, (value, mask) =>
        isRecord(value)
          ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mask(item)]))
          : value,
      )
    case 'union':
      return inOrder(inner('options'), known)
    case 'intersection':
      return inOrder([...inner('left'), ...inner('right')], known)
    case 'pipe':
      return inOrder(inner('out'), known)
    case 'lazy':
      return 'getter' in definition && typeof definition.getter === 'function'
        ? lazily(definition.getter, known)
        : undefined
    default:
      return inOrder(inner('innerType'), known)
  }
}

function maskFields(definition: object, known: Map<Schema, Mask | undefined>): Mask | undefined {
  if (!('shape' in definition) || !isRecord(definition.shape)) return undefined
  const masks: [string, Mask][] = []
  for (const [key, field] of Object.entries(definition.shape)) {
    const mask = isSchema(field) ? maskOf(field, known) : undefined
    if (mask) masks.push([key, mask])
  }
  if (masks.length === 0) return undefined
  return (value) => {
    if (!isRecord(value)) return value
    const copy = { ...value }
    for (const [key, mask] of masks) if (key in copy) copy[key] = mask(copy[key])
    return copy
  }
}

function maskEach(
  elements: Schema[],
  known: Map<Schema, Mask | undefined>,
  apply: (value: unknown, mask: Mask) => unknown,
): Mask | undefined {
  const mask = inOrder(elements, known)
  return mask && ((value) => apply(value, mask))
}

/** All masks of several schemas, one after another: of a union, each hides what it knows of the value. */
function inOrder(schemas: Schema[], known: Map<Schema, Mask | undefined>): Mask | undefined {
  const masks = schemas.map((schema) => maskOf(schema, known)).filter((mask) => mask !== undefined)
  if (masks.length <= 1) return masks[0]
  return (value) => masks.reduce((masked, mask) => mask(masked), value)
}

/** The schema behind a lazy one is asked for when the first value comes, because it may not exist before. */
function lazily(getter: Function, known: Map<Schema, Mask | undefined>): Mask {
  let found: { mask: Mask | undefined } | undefined
  return (value) => {
    const schema: unknown = getter()
    found ??= { mask: isSchema(schema) ? maskOf(schema, known) : undefined }
    return found.mask ? found.mask(value) : value
  }
}

function schemasIn(definition: object, name: string): Schema[] {
  const held: unknown = Reflect.get(definition, name)
  return (Array.isArray(held) ? held : [held]).filter(isSchema)
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && '_zod' in value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
