import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { Schema } from '../messages/schema.ts'

/** A JSON Schema whose root is an object, as MCP servers and hand-written tools bring it. */
export type JsonSchemaObject = z.core.JSONSchema.BaseSchema & { type: 'object' }

/** The zod schema that checks a tool's arguments. */
export function schemaOf(tool: string, parameters: Schema | JsonSchemaObject): Schema {
  if (isZod4(parameters)) return parameters
  refuseOtherRoots(tool, parameters)
  try {
    return z.fromJSONSchema(parameters)
  } catch (error) {
    throw invalid(tool, `its JSON Schema can't be read: ${messageOf(error)}`, error)
  }
}

/** The JSON Schema that a model is shown: draft 7, of what a caller gives (defaults are optional). */
export function jsonSchemaOf(tool: string, parameters: Schema | JsonSchemaObject): Record<string, unknown> {
  if (!isZod4(parameters)) return { ...parameters }
  let schema: Record<string, unknown>
  try {
    schema = z.toJSONSchema(parameters, {
      io: 'input',
      target: 'draft-7',
      override: ({ jsonSchema }) => {
        // Our own mark for the journal; no model needs to read it.
        delete jsonSchema['secret']
      },
    })
  } catch (error) {
    throw invalid(tool, `its parameters can't be shown to a model: ${messageOf(error)}`, error)
  }
  refuseOtherRoots(tool, schema)
  const { $schema: _dialect, ...shown } = schema
  return shown
}

function isZod4(parameters: object): parameters is Schema {
  if ('_zod' in parameters) return true
  if ('_def' in parameters) {
    throw new BuslineError(
      'INVALID_TOOL',
      'The parameters are a zod 3 schema. Define them with zod 4 (`import * as z from "zod"`), or pass a JSON Schema.',
    )
  }
  return false
}

/** Models call tools with an object of named arguments; every server refuses other roots, some without a word. */
function refuseOtherRoots(tool: string, schema: Record<string, unknown>): void {
  if (schema['type'] !== 'object')
    throw invalid(
      tool,
      `its parameters must be an object schema, not ${JSON.stringify(schema['type'] ?? null)}`,
    )
}

function invalid(tool: string, why: string, cause?: unknown): BuslineError {
  return new BuslineError('INVALID_TOOL', `The tool ${tool} can't be offered: ${why}.`, {
    data: { tool },
    cause,
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
