import type { OutputSchema } from '../messages/model.ts'
import { isRecord } from './is-record.ts'
import type { Profile } from './profile.ts'

/** What a schema adds to a request: `response_format`, words for the system prompt, or both. */
export interface WireOutput {
  format?: unknown
  instruction?: string
}

/**
 * How the profile's server is asked for JSON that fits a schema: by the schema itself, strict where it may be; else by
 * `json_object` and an instruction; else by the instruction alone, also where tools are in the way of the others.
 */
export function wireOutput(output: OutputSchema, profile: Profile, hasTools: boolean): WireOutput {
  const { name, schema } = output
  const how = hasTools && !profile.outputBesideTools ? 'instruction' : profile.output
  if (how === 'schema') {
    const strict = strictSchema(schema)
    return {
      format: {
        type: 'json_schema',
        json_schema: { name, schema: strict ?? schema, strict: strict !== undefined },
      },
    }
  }
  const when = hasTools ? 'When you have called the tools that you need, answer' : 'Answer'
  const instruction = `${when} with JSON that fits this JSON Schema, and with nothing else: no words around it, no code fence.\n${JSON.stringify(schema)}`
  return how === 'object' ? { format: { type: 'json_object' }, instruction } : { instruction }
}

/** https://platform.openai.com/docs/guides/structured-outputs#supported-schemas */
const KEYWORDS: ReadonlySet<string> = new Set([
  '$defs',
  '$ref',
  '$schema',
  'additionalProperties',
  'anyOf',
  'const',
  'definitions',
  'description',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'items',
  'maxItems',
  'maximum',
  'minItems',
  'minimum',
  'multipleOf',
  'pattern',
  'properties',
  'required',
  'title',
  'type',
])
const FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
])

/**
 * The schema as strict mode wants it, `additionalProperties: false` in each object; undefined when it can't be that
 * without meaning something else: a property that may be missing, a map, a keyword that strict mode does not know.
 */
export function strictSchema(schema: Record<string, unknown>): Record<string, unknown> | undefined {
  if (schema['type'] !== 'object' || schema['anyOf'] !== undefined) return undefined
  const strict = strictly(schema)
  return isRecord(strict) ? strict : undefined
}

/** Undefined stands for "it can't be". */
function strictly(schema: unknown): unknown {
  if (!isRecord(schema) || !Object.keys(schema).every((keyword) => KEYWORDS.has(keyword))) return undefined
  if (schema['format'] !== undefined && !FORMATS.has(schema['format'])) return undefined
  const result: Record<string, unknown> = { ...schema }
  for (const keyword of ['properties', '$defs', 'definitions']) {
    if (schema[keyword] === undefined) continue
    const inner = isRecord(schema[keyword]) ? Object.entries(schema[keyword]) : []
    const strict = inner.map(([name, one]): [string, unknown] => [name, strictly(one)])
    if (strict.some(([, one]) => one === undefined)) return undefined
    result[keyword] = Object.fromEntries(strict)
  }
  if (schema['items'] !== undefined && (result['items'] = strictly(schema['items'])) === undefined)
    return undefined
  if (schema['anyOf'] !== undefined) {
    const choices = Array.isArray(schema['anyOf']) ? schema['anyOf'].map(strictly) : [undefined]
    if (choices.includes(undefined)) return undefined
    result['anyOf'] = choices
  }
  return isObjectType(schema['type']) ? closed(schema, result) : result
}

function isObjectType(type: unknown): boolean {
  return type === 'object' || (Array.isArray(type) && type.includes('object'))
}

function closed(schema: Record<string, unknown>, result: Record<string, unknown>): unknown {
  const { properties = {}, required = [], additionalProperties } = schema
  if (additionalProperties !== undefined && additionalProperties !== false) return undefined
  const names = isRecord(properties) ? Object.keys(properties) : []
  const isWhole = Array.isArray(required) && names.every((name) => required.includes(name))
  return isWhole
    ? { ...result, properties: result['properties'] ?? {}, required: names, additionalProperties: false }
    : undefined
}
