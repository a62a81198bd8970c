import type * as z from 'zod'
import type { Schema } from './schema.ts'
import { checkVersion, type Upcasts } from './upcasts.ts'

/**
 * A command: imperative, exactly one handler, a typed result. Plain data; nothing is registered by defining one.
 */
export interface CommandDefinition<Input extends Schema = Schema, Output extends Schema = Schema> {
  readonly kind: 'command'
  readonly type: string
  readonly input: Input
  readonly output: Output
  /** Touches the world: everything recorded so far is made durable before its handler runs. */
  readonly effect: boolean
  /** Its id becomes the `turn` of itself and of everything it causes. */
  readonly startsTurn: boolean
  /** The version of its input and output that the schemas describe; records carry it from 2 on. */
  readonly version: number
  /** By version: how an input of that version becomes one of the next. */
  readonly upcast: Upcasts
  /** The same for its output. */
  readonly upcastOutput: Upcasts
  record?(input: z.output<Input>, redact: (text: string) => string): unknown
  recordOutput?(output: z.output<Output>): unknown
}

/**
 * Defines a command, the one place where its constant and its type string stand together.
 *
 * @param type dotted name, `people.greet` for a constant `Greet`
 * @param definition.input zod 4 schema of what callers pass; parsed before it is recorded
 * @param definition.output zod 4 schema of what the handler returns
 * @param definition.effect default false
 * @param definition.startsTurn default false
 * @param definition.record the journal's form of the input (default: the input), to keep references in place of
 *   bulk; `redact` replaces secrets in a text, for what is hashed
 *   (fields marked `.meta({ secret: true })` are masked where there is no form of its own)
 * @param definition.recordOutput the same for the output
 * @param definition.version whole number, default 1; raise it when old records no longer fit the schemas
 * @param definition.upcast `{ 1: (input) => … }`: how the recorded input of a version becomes that of the next, for
 *   `upcastRecords`; a version without one fits as it is
 * @param definition.upcastOutput the same for the output
 * @throws BuslineError `INVALID_OPTION` when `version` is no whole number from 1 on, or an upcast leads beyond it
 */
export function defineCommand<Input extends Schema, Output extends Schema>(
  type: string,
  definition: {
    input: Input
    output: Output
    effect?: boolean
    startsTurn?: boolean
    record?: (input: z.output<Input>, redact: (text: string) => string) => unknown
    recordOutput?: (output: z.output<Output>) => unknown
    version?: number
    upcast?: Upcasts
    upcastOutput?: Upcasts
  },
): CommandDefinition<Input, Output> {
  const { version = 1, upcast = {}, upcastOutput = {}, ...rest } = definition
  checkVersion(type, version, { upcast, upcastOutput })
  const versioned = { version, upcast, upcastOutput }
  return Object.freeze({ effect: false, startsTurn: false, ...rest, ...versioned, kind: 'command', type })
}
