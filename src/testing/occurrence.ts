import type * as z from 'zod'
import type { Sender } from '../bus/scope.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { parseWith, type Schema } from '../messages/schema.ts'

/** A message with its data, as a test writes it down: one that was sent, is to be sent, or should have been. */
export interface Occurrence<Result = unknown> {
  readonly kind: 'command' | 'event'
  readonly type: string
  /** As a handler or subscriber gets it: parsed, with defaults. Throws `VALIDATION_FAILED` if it does not fit. */
  parsed(): unknown
  /** Sends it: resolves to a command's result, or when an event's deliveries have ended. */
  send(sender: Sender): Promise<Result>
}

/** An event that happened, or should. */
export function event<Data extends Schema>(
  definition: EventDefinition<Data>,
  data: z.input<Data>,
): Occurrence<undefined> {
  const { kind, type } = definition
  return {
    kind,
    type,
    parsed: () => parseWith(definition.data, data, `The data of ${type}`),
    send: async (sender) => {
      await sender.publish(definition, data).settled
      return undefined
    },
  }
}

/** A command that is to be executed, or should have been. */
export function command<Input extends Schema, Output extends Schema>(
  definition: CommandDefinition<Input, Output>,
  input: z.input<Input>,
): Occurrence<z.output<Output>> {
  const { kind, type } = definition
  return {
    kind,
    type,
    parsed: () => parseWith(definition.input, input, `The input of ${type}`),
    send: (sender) => sender.execute(definition, input),
  }
}
