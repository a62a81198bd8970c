import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { Schema } from '../messages/schema.ts'
import type { Issue } from './invalid-arguments.ts'
import { jsonSchemaCheck } from './json-schema.ts'
import { checkZod3, isZod3, showZod3, type Zod3Schema } from './zod-3.ts'

/** A JSON Schema whose root is an object, as MCP servers and hand-written tools bring it. */
export interface JsonSchemaObject {
  /** `object`; any text to the compiler, for schemas that were written without `as const`. */
  readonly type: string
  readonly properties?: { readonly [name: string]: unknown } | undefined
  readonly required?: readonly string[] | undefined
  readonly [keyword: string]: unknown
}

/** What may describe a tool's arguments. */
export type Parameters = Schema | Zod3Schema | JsonSchemaObject

/** What came of checking arguments: the value after defaults and transforms, or what does not fit. */
export type Checked =
  | { readonly fits: true; readonly value: unknown }
  | { readonly fits: false; readonly issues: readonly Issue[] }

export interface ToolSchema {
  /** The JSON Schema that a model is shown: draft 7, of what a caller gives (defaults are optional). */
  readonly shown: Record<string, unknown>
  readonly check: (args: unknown) => Checked
}

/**
 * Reads a tool's parameters: zod 4, zod 3, or a JSON Schema of type object.
 *
 * @throws BuslineError `INVALID_TOOL` when the root is no object, or JSON can't show it
 */
export function toolSchema(tool: string, parameters: Parameters): ToolSchema {
  const { shown, check } = read(tool, parameters)
  return {
    shown,
    check: (args) => {
      try {
        return check(args)
      } catch (error) {
        throw isAsync(error)
          ? invalidTool(tool, 'its parameters check asynchronously: check in run', error)
          : error
      }
    },
  }
}

function read(tool: string, parameters: Parameters): ToolSchema {
  // Only zod 4 has `_zod`; zod-to-json-schema makes an empty schema of those, without a word.
  if (isZod4(parameters))
    return { shown: shown(tool, () => showZod4(parameters)), check: checker(parameters) }
  if (isJsonSchema(parameters)) {
    const copy = shown(tool, () => structuredClone(parameters))
    return { shown: copy, check: readJsonSchema(tool, copy) }
  }
  if (!isZod3(parameters)) throw invalidTool(tool, 'its parameters are neither a zod nor a JSON Schema')
  return { shown: shown(tool, () => showZod3(parameters)), check: (args) => checkZod3(parameters, args) }
}

/** Zod 3 has no class for it. */
function isAsync(error: unknown): boolean {
  return error instanceof z.core.$ZodAsyncError || /^Async .* encountered/.test(messageOf(error))
}

function isZod4(parameters: Parameters): parameters is Schema {
  return '_zod' in parameters
}

function isJsonSchema(parameters: Parameters): parameters is JsonSchemaObject {
  return !('_zod' in parameters) && !('_def' in parameters)
}

function checker(schema: Schema): (args: unknown) => Checked {
  return (args) => {
    const result = z.core.safeParse(schema, args)
    return result.success ? { fits: true, value: result.data } : { fits: false, issues: result.error.issues }
  }
}

function readJsonSchema(tool: string, schema: object): (args: unknown) => Checked {
  try {
    return jsonSchemaCheck(schema)
  } catch (error) {
    throw invalidTool(tool, `its JSON Schema can't be read: ${messageOf(error)}`, error)
  }
}

function showZod4(parameters: Schema): Record<string, unknown> {
  return z.toJSONSchema(parameters, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // Our own mark for the journal; no model needs to read it.
      delete jsonSchema['secret']
    },
  })
}

/** Models call tools with an object of named arguments; every server refuses other roots, some without a word. */
function shown(tool: string, show: () => object): Record<string, unknown> {
  let schema: Record<string, unknown>
  try {
    schema = { ...show() }
  } catch (error) {
    throw invalidTool(
      tool,
      `its parameters can't be shown to a model: ${messageOf(error)}${remedyFor(error)}`,
      error,
    )
  }
  if (schema['type'] !== 'object') {
    const root = JSON.stringify(schema['type'] ?? null)
    throw invalidTool(tool, `its parameters must be an object schema, not ${root}`)
  }
  const { $schema: _dialect, ...rest } = schema
  return rest
}

/** A date in JSON is a text: only the schema's author knows how it is to be read. */
function remedyFor(error: unknown): string {
  return /\bdate\b/i.test(messageOf(error))
    ? ' Take a text and make a date of it: z.iso.datetime().transform((text) => new Date(text))'
    : ''
}

function invalidTool(tool: string, why: string, cause?: unknown): BuslineError {
  return new BuslineError('INVALID_TOOL', `The tool ${tool} can't be offered: ${why}.`, {
    data: { tool },
    ...(cause === undefined ? {} : { cause }),
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
