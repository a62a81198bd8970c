import type { Issue } from './invalid-arguments.ts'
import { entriesOf, isRecord, patternOf, RULES, TYPES } from './json-schema-rules.ts'

/** What came of checking a value: a copy with the defaults of absent fields, or what does not fit. */
type Checked =
  | { readonly fits: true; readonly value: unknown }
  | { readonly fits: false; readonly issues: readonly Issue[] }

/**
 * The check of values by a JSON Schema of draft 7 or 2020-12, whose references stay within it. Keywords that the standard
 * does not know are ignored; formats are checked as far as they are common. Throws an error that says why when a schema can't
 * be followed: what it asks for would be ignored without a word.
 */
export function jsonSchemaCheck(root: object): (value: unknown) => Checked {
  const target = (ref: string): unknown => targetOf(root, ref)
  checkSchemas(root, target)

  const check = (schema: unknown, value: unknown, path: readonly PropertyKey[]): readonly Issue[] => {
    if (schema === false) return [{ path, message: 'expected nothing' }]
    if (!isRecord(schema)) return []
    const inside = (inner: unknown, item: unknown, key?: PropertyKey): readonly Issue[] =>
      check(inner, item, key === undefined ? path : [...path, key])
    const issues: Issue[] = []
    for (const [keyword, rule] of Object.entries(schema)) {
      if (!Object.hasOwn(RULES, keyword)) continue
      const outcome = RULES[keyword]?.(rule, { schema, value, path, inside, target }) ?? []
      const found =
        typeof outcome === 'string' ? [{ path, message: outcome, code: codeOf(keyword) }] : outcome
      // Of what is of another type nothing else is worth telling.
      if (keyword === 'type' && found.length > 0) return found
      issues.push(...found)
    }
    return issues
  }
  return (value) => {
    const issues = check(root, value, [])
    return issues.length > 0 ? { fits: false, issues } : { fits: true, value: filled(root, value, target) }
  }
}

function codeOf(keyword: string): string {
  return keyword === 'type' ? 'invalid_type' : 'invalid_value'
}

type Target = (ref: string) => unknown

/** A copy, with the defaults of fields that are absent; those of alternatives are not looked at. */
function filled(schema: unknown, value: unknown, target: Target): unknown {
  if (Array.isArray(value)) {
    const { items, prefixItems } = isRecord(schema) ? schema : {}
    const first: readonly unknown[] = [prefixItems, items].find((one) => Array.isArray(one)) ?? []
    return value.map((item: unknown, place) =>
      filled(place < first.length ? first[place] : items, item, target),
    )
  }
  if (!isRecord(value)) return value
  const properties = propertiesOf(schema, target)
  const present = entriesOf(value)
    // Not for tools, whose copies of it could get another prototype.
    .filter(([key]) => key !== '__proto__')
    .map(([key, item]) => [key, filled(properties.get(key), item, target)] as const)
  const absent = [...properties].flatMap(([key, one]) =>
    isRecord(one) && 'default' in one && !(Object.hasOwn(value, key) && value[key] !== undefined)
      ? [[key, structuredClone(one['default'])] as const]
      : [],
  )
  return Object.fromEntries([...present, ...absent])
}

function propertiesOf(schema: unknown, target: Target): Map<string, unknown> {
  if (!isRecord(schema)) return new Map()
  const { $ref, allOf, properties } = schema
  const others = [...(typeof $ref === 'string' ? [target($ref)] : []), ...(Array.isArray(allOf) ? allOf : [])]
  return new Map([...others.flatMap((one) => [...propertiesOf(one, target)]), ...entriesOf(properties)])
}

/** Where the schemas inside of a schema stand: those that the same value has to fit, and those for values inside of it. */
const SAME_VALUE = [
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependencies',
]
const OTHER_VALUES = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'propertyNames',
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
]
const BY_NAME = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies']

/** What would change the outcome and is not followed. */
const NOT_FOLLOWED = ['unevaluatedProperties', 'unevaluatedItems', '$dynamicRef', '$recursiveRef']

function checkSchemas(root: object, target: Target): void {
  // A set goes on to what is added while it is walked.
  const schemas = new Set<unknown>([root])
  for (const schema of schemas) {
    if (typeof schema === 'boolean') continue
    if (!isRecord(schema))
      throw new Error(`a schema is an object, true or false, not ${JSON.stringify(schema)}`)
    checkKeywords(schema)
    const others = OTHER_VALUES.flatMap((keyword) => schemasIn(schema[keyword], keyword))
    for (const one of [...forSameValue(schema, target), ...others]) schemas.add(one)
  }
  const done = new Set<unknown>()
  for (const schema of schemas) refuseCircle(schema, { target, done, above: [] })
}

function forSameValue(schema: unknown, target: Target): readonly unknown[] {
  if (!isRecord(schema)) return []
  const { $ref } = schema
  const referred = typeof $ref === 'string' ? [target($ref)] : []
  return [...referred, ...SAME_VALUE.flatMap((keyword) => schemasIn(schema[keyword], keyword))]
}

/** Checking by such a one would never end. */
function refuseCircle(
  schema: unknown,
  { target, done, above }: { target: Target; done: Set<unknown>; above: readonly unknown[] },
): void {
  if (above.includes(schema) && isRecord(schema))
    throw new Error('a schema refers to itself for the same value')
  if (done.has(schema)) return
  for (const one of forSameValue(schema, target))
    refuseCircle(one, { target, done, above: [...above, schema] })
  done.add(schema)
}

function checkKeywords(schema: Record<string, unknown>): void {
  const { type = [], pattern, patternProperties } = schema
  for (const keyword of NOT_FOLLOWED)
    if (schema[keyword] !== undefined) throw new Error(`${keyword} is not followed`)
  for (const one of [type].flat())
    if (!TYPES.some((known) => known === one)) throw new Error(`there is no type ${JSON.stringify(one)}`)
  if (pattern !== undefined && typeof pattern !== 'string')
    throw new Error(`a pattern is a text, not ${JSON.stringify(pattern)}`)
  for (const [one] of entriesOf(patternProperties)) patternOf(one)
  if (pattern !== undefined) patternOf(pattern)
}

/** One schema, a list of them, or one by name; names that a field depends on are none. */
function schemasIn(given: unknown, keyword: string): readonly unknown[] {
  if (given === undefined) return []
  if (BY_NAME.includes(keyword))
    return entriesOf(given).flatMap(([, one]) => (Array.isArray(one) ? [] : [one]))
  return Array.isArray(given) ? given : [given]
}

/** A JSON pointer (RFC 6901) from the root, as a fragment of a URI. */
function targetOf(root: object, ref: string): unknown {
  if (ref !== '#' && !ref.startsWith('#/'))
    throw new Error(`the reference ${JSON.stringify(ref)} leads out of it`)
  let found: unknown = root
  for (const step of ref.split('/').slice(1)) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    found =
      typeof found === 'object' && found !== null
        ? Object.getOwnPropertyDescriptor(found, key)?.value
        : undefined
  }
  if (found === undefined) throw new Error(`the reference ${JSON.stringify(ref)} leads nowhere`)
  return found
}
