import { createRequire } from 'node:module'
import type { ZodTypeAny, ZodTypeDef } from 'zod/v3'
import type * as Shown from 'zod-to-json-schema'
import type { Issue } from './invalid-arguments.ts'

/** What of a zod 3 schema is relied on, whichever copy of the package it comes from. */
export interface Zod3Schema<Output = unknown> {
  readonly _output: Output
  readonly _def: ZodTypeDef
  safeParse(
    value: unknown,
  ): { success: true; data: Output } | { success: false; error: { issues: readonly Issue[] } }
}

/** Zod 3: a definition, and not zod 4's mark. */
export function isZod3(schema: object): schema is ZodTypeAny {
  return (
    '_def' in schema && !('_zod' in schema) && 'safeParse' in schema && typeof schema.safeParse === 'function'
  )
}

// Required when the first zod 3 schema comes: it takes a third of the time of loading all the rest.
const load: (id: string) => Pick<typeof Shown, 'ignoreOverride' | 'zodToJsonSchema'> = createRequire(
  import.meta.url,
)

/** Kinds that no JSON can hold, or that would accept no JSON for what the schema shows. */
const NOT_SHOWN: ReadonlySet<unknown> = new Set([
  'ZodBigInt',
  'ZodDate',
  'ZodFunction',
  'ZodMap',
  'ZodNaN',
  'ZodPromise',
  'ZodSet',
  'ZodSymbol',
  'ZodVoid',
])

/**
 * The JSON Schema, draft 7, of what a caller gives. Throws for what JSON can't hold, as zod 4 does by itself, and for
 * schemas that contain themselves: servers differ in how far they follow references, so what is used twice is shown twice.
 */
export function showZod3(schema: ZodTypeAny): object {
  const shown = load('zod-to-json-schema')
  return shown.zodToJsonSchema(schema, {
    target: 'jsonSchema7',
    $refStrategy: 'none',
    effectStrategy: 'input',
    pipeStrategy: 'input',
    override: (definition, refs, seen) => {
      const kind = 'typeName' in definition ? definition.typeName : undefined
      const coerces = 'coerce' in definition && definition.coerce === true
      if (NOT_SHOWN.has(kind) && !coerces) throw new Error(`${String(kind).slice(3)} can't be shown as JSON.`)
      if (seen && isWithin(refs.currentPath, seen.path))
        throw new Error('It contains itself: define it with zod 4.')
      return shown.ignoreOverride
    },
  })
}

/** Checks with the schema itself. */
export function checkZod3(
  schema: Zod3Schema,
  args: unknown,
): { fits: true; value: unknown } | { fits: false; issues: readonly Issue[] } {
  const result = schema.safeParse(args)
  return result.success ? { fits: true, value: result.data } : { fits: false, issues: result.error.issues }
}

function isWithin(path: readonly string[], above: readonly string[]): boolean {
  return above.length < path.length && above.every((part, index) => part === path[index])
}
