import type * as z from 'zod'
import { checkFunction } from '../bus/check-function.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { Schema } from '../messages/schema.ts'
import { settle } from '../messages/settled.ts'
import type { ToolDescription } from '../messages/tool.ts'
import { checkOneOf, checkTimeLimit, checkWholeNumber } from './check-option.ts'
import { invalidArguments } from './invalid-arguments.ts'
import { toolSchema, type JsonSchemaObject, type Parameters } from './tool-schema.ts'
import type { Zod3Schema } from './zod-3.ts'

/**
 * What a call of a tool does to the world: nothing (`read`), the same however often it is made with one key
 * (`idempotent`), or something each time (`unsafe`). Only an unsafe call is not made again after a crash.
 */
export type ToolEffect = 'read' | 'idempotent' | 'unsafe'

/** Which call it is that runs a tool. */
export interface ToolCall {
  /** The id that the model's call has. */
  readonly id: string
  /** For a server that takes idempotency keys: the same when the call is made again after a crash. */
  readonly key: string
  /** The call may have run before. */
  readonly again: boolean
}

/** How a tool says that it is: `true` for up, `false` for down, or with a reason for the model. */
export type ToolCondition = boolean | { readonly status: 'up' | 'down'; readonly message?: string }

export interface ToolOptions<Input> {
  /** What it is called: 1 to 256 characters, none of them a control character. A provider fits it to what its server takes. */
  name: string
  /** What it does and when to use it, for the model. */
  description: string
  /** What a call does to the world (default `unsafe`). */
  effect?: ToolEffect | undefined
  /** Milliseconds that one run may take; then its signal is aborted and the call fails with `TIMED_OUT` (default: no limit). */
  timeout?: number | undefined
  /** How many runs there may be at once; further calls wait in order (default: no limit). */
  concurrency?: number | undefined
  /** Whether a call has to be approved, as it is or by its arguments (default: as `approve` of the tool manager says). */
  approval?: boolean | ((input: Input, scope: Scope) => boolean | Promise<boolean>) | undefined
  /** What it belongs to, for `tool.select`. */
  group?: string | undefined
  /** Tells whether it works at present; one that throws is down. */
  health?: ((scope: Scope) => ToolCondition | Promise<ToolCondition>) | undefined
  /**
   * Runs a call with arguments that fit. Returns what the model is told: a string as it is, anything else as JSON; an array
   * of content parts (`{ type: 'text', … }`) as such. What it throws is reported to the model.
   */
  run: (input: Input, scope: Scope, call: ToolCall) => unknown
}

/** A tool: what a model is told of it, and how a call of it is run. */
export interface Tool<out Input = unknown> extends ToolDescription {
  readonly effect: ToolEffect
  readonly timeout?: number | undefined
  readonly concurrency?: number | undefined
  readonly approval?: boolean | ((input: unknown, scope: Scope) => boolean | Promise<boolean>) | undefined
  readonly group?: string | undefined
  readonly health?: ((scope: Scope) => ToolCondition | Promise<ToolCondition>) | undefined
  /** Arguments as `run` takes them, defaults applied; `INVALID_ARGUMENTS` names each field of `what` that does not fit. */
  readonly check: (args: unknown, what?: string) => unknown
  /** Runs it with arguments that were checked. */
  readonly run: (input: unknown, scope: Scope, call: ToolCall) => unknown
  /** Never there: what `run` takes, for the types of mocks. */
  readonly '~input'?: Input
}

const LONGEST_NAME = 256
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/**
 * Makes a plain function a tool. `parameters` is a zod 4 or zod 3 object, whose output type `run` gets inferred, or a JSON
 * Schema of type object.
 *
 * @throws BuslineError `INVALID_TOOL` when the name or the schema can't be shown to a model, `INVALID_OPTION`
 */
export function defineTool<P extends Schema>(
  tool: ToolOptions<z.output<P>> & { parameters: P },
): Tool<z.output<P>>
export function defineTool<P extends Zod3Schema>(
  tool: ToolOptions<P['_output']> & { parameters: P },
): Tool<P['_output']>
export function defineTool(
  tool: ToolOptions<Record<string, unknown>> & { parameters: JsonSchemaObject },
): Tool<Record<string, unknown>>
export function defineTool(tool: ToolOptions<never> & { parameters: Parameters }): Tool<never> {
  checkGiven(tool)
  const { name, description, parameters, run, approval, ...rest } = tool
  checkName(name)
  checkOptions(tool)
  const { shown, check } = toolSchema(name, parameters)
  // Safe to erase: both get only what `check` let through, from whose schema their input was inferred.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const taking = { run, ...(approval !== undefined && { approval }) } as Pick<Tool, 'run' | 'approval'>
  return Object.freeze({
    ...rest,
    ...taking,
    effect: tool.effect ?? 'unsafe',
    name,
    description,
    parameters: settle(shown),
    check: (args: unknown, what = `The call of ${name}`) => {
      const checked = check(args)
      if (!checked.fits) throw invalidArguments(what, args, checked.issues)
      return checked.value
    },
  })
}

/** What JavaScript leaves out. */
function checkGiven(tool: unknown): void {
  if (typeof tool !== 'object' || tool === null)
    throw new BuslineError(
      'INVALID_TOOL',
      `defineTool takes an object with name, description, parameters and run, not ${nameOf(tool)}.`,
    )
  const { name, description, parameters }: { name?: unknown; description?: unknown; parameters?: unknown } =
    tool
  const of = typeof name === 'string' ? ` of ${name}` : ''
  if (typeof parameters !== 'object' || parameters === null)
    throw new BuslineError(
      'INVALID_TOOL',
      `parameters${of} must be a zod object or a JSON Schema, not ${nameOf(parameters)}. For a tool without arguments: z.object({}).`,
      { data: { field: 'parameters' } },
    )
  if (typeof description !== 'string')
    throw new BuslineError('INVALID_TOOL', `description${of} must be a string, not ${nameOf(description)}.`, {
      data: { field: 'description' },
    })
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function checkName(name: string): void {
  const fits =
    typeof name === 'string' && name.length > 0 && name.length <= LONGEST_NAME && !CONTROL.test(name)
  if (fits) return
  throw new BuslineError(
    'INVALID_TOOL',
    `A tool can't be named ${JSON.stringify(name)}: a name has 1 to ${LONGEST_NAME} characters, no control characters.`,
    { data: { name } },
  )
}

function checkOptions(tool: ToolOptions<never>): void {
  const { effect, timeout, concurrency, approval, health, run } = tool
  checkFunction('defineTool.run', run)
  if (health !== undefined) checkFunction('defineTool.health', health)
  if (approval !== undefined && typeof approval !== 'boolean') checkFunction('defineTool.approval', approval)
  if (effect !== undefined) checkOneOf('defineTool.effect', effect, ['read', 'idempotent', 'unsafe'])
  if (timeout !== undefined) checkTimeLimit('defineTool.timeout', timeout)
  if (concurrency !== undefined) checkWholeNumber('defineTool.concurrency', concurrency)
}
