import type * as z from 'zod'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { parseWith, type Schema } from '../messages/schema.ts'
import type { ToolDescription } from '../messages/tool.ts'
import { jsonSchemaOf, schemaOf, type JsonSchemaObject } from './tool-schema.ts'

/** A tool: what a model is told of it, and how a call of it is run. */
export interface Tool extends ToolDescription {
  /** Checks the arguments and runs the tool; `INVALID_ARGUMENTS` names each field that does not fit. */
  call(args: unknown, scope: Scope): unknown
}

interface ToolText {
  /** What the model calls: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  name: string
  /** What it does and when to use it, for the model. */
  description: string
}

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * Makes a plain function a tool. `parameters` is a zod 4 object, whose input type `run` gets inferred, or a JSON
 * Schema of type object. `run` returns what the model is told: a string as it is, anything else as JSON; an array of
 * content parts (`{ type: 'text', … }`) as such. What it throws is reported to the model.
 *
 * @throws BuslineError `INVALID_TOOL` when the name or the schema can't be sent to a model
 */
export function defineTool<Parameters extends Schema>(
  tool: ToolText & { parameters: Parameters; run: (input: z.output<Parameters>, scope: Scope) => unknown },
): Tool
export function defineTool(
  tool: ToolText & {
    parameters: JsonSchemaObject
    run: (input: Record<string, unknown>, scope: Scope) => unknown
  },
): Tool
export function defineTool(
  tool: ToolText & { parameters: Schema | JsonSchemaObject; run: (input: never, scope: Scope) => unknown },
): Tool {
  const { name, description } = tool
  if (!TOOL_NAME.test(name)) {
    throw new BuslineError(
      'INVALID_TOOL',
      `A tool can't be named ${JSON.stringify(name)}: models take 1 to 64 of A-Z a-z 0-9 _ -.`,
      { data: { name } },
    )
  }
  const schema = schemaOf(name, tool.parameters)
  // Safe to erase: `call` parses with the schema whose output type `run` was inferred from.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const run = tool.run as (input: unknown, scope: Scope) => unknown
  return Object.freeze({
    name,
    description,
    parameters: jsonSchemaOf(name, tool.parameters),
    call: (args: unknown, scope: Scope) =>
      run(parseWith(schema, args, `The call of ${name}`, 'INVALID_ARGUMENTS'), scope),
  })
}
