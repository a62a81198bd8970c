import type { Schema } from './schema.ts'

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && '_zod' in value
}

/** The schemas among the values of an array or an object; none of anything else. */
export function schemasOf(container: unknown): Schema[] {
  return typeof container === 'object' && container !== null ? Object.values(container).filter(isSchema) : []
}
