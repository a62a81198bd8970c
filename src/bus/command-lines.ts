import type * as z from 'zod'
import { assertLosslessJson } from '../messages/lossless-json.ts'
import type { Schema } from '../messages/schema.ts'
import { maskUnparsed } from '../messages/secret-fields.ts'
import { attempt, type Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import type { Message } from './envelope.ts'
import { recordedInput, type CommandRoute } from './routes.ts'

/** Writes a command's line. What its form for the journal can't hold is refused before the handler runs. */
export function recordCommand<Input extends Schema, Output extends Schema>(
  { recorder, redactor }: Core,
  route: CommandRoute<Input, Output>,
  message: Message,
  input: z.output<Input> | undefined,
): Attempt<unknown> | undefined {
  const { command, losslessInput, inputName, typeJson } = route
  if (!recorder.on && (command.record || losslessInput)) return undefined
  // Parsing has succeeded: an undefined input is what the schema yields.
  const form = attempt(() => {
    if (!losslessInput && !command.record && input !== undefined) assertLosslessJson(input, inputName)
    const data = recordedInput(route, input, redactor.redact)
    if (command.record && data !== undefined) assertLosslessJson(data, inputName)
    return data
  })
  recorder.message(typeJson, message, form.ok ? form.value : undefined)
  return form
}

/** Writes the line of a command whose input was refused, as far as JSON can hold it. */
export function recordRefused(
  { recorder }: Core,
  { command, typeJson }: CommandRoute,
  message: Message,
  input: unknown,
): void {
  if (!recorder.on) return
  const form = attempt(() => {
    assertLosslessJson(input, 'the input')
    return maskUnparsed(command.input, input)
  })
  recorder.message(typeJson, message, form.ok ? form.value : undefined)
}
