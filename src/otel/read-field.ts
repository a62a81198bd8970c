import type { AttributeValue } from './finished-span.ts'

/** A field of whatever a record holds; undefined when it has none. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  const fields: Partial<Record<string, unknown>> = { ...value }
  return fields[name]
}

export function textIn(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'string' ? field : undefined
}

export function numberIn(value: unknown, name: string): number | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'number' && Number.isFinite(field) ? field : undefined
}

export function listIn(value: unknown, name: string): readonly unknown[] {
  const field = fieldOf(value, name)
  return Array.isArray(field) ? field : []
}

/** The fields of a flat object that an attribute can hold. */
export function plainFields(value: unknown): Record<string, AttributeValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const plain: Record<string, AttributeValue> = {}
  for (const [name, field] of Object.entries(value)) {
    const isPlain = typeof field === 'string' || typeof field === 'number' || typeof field === 'boolean'
    // Assigning to `__proto__` would be no field; an attribute without a name is none.
    if (isPlain && name !== '__proto__' && name !== '') plain[name] = field
  }
  return plain
}
