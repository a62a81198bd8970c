import type { JournalRecord } from '../bus/journal.ts'
import { messagesAttribute, spokenMessage, textPart, valueAttribute } from './message-content.ts'
import { fieldOf, listIn, textIn } from './read-field.ts'
import type { Facts, Operation, SemconvVersion } from './semconv.ts'
import type { ToldMessages } from './told-messages.ts'

/** What was said in a command's input, as far as it has been told. */
export function contentOfInput(
  operation: Operation,
  { data, session }: JournalRecord,
  told: ToldMessages,
): Facts {
  if (operation === 'execute_tool') return { toolArguments: valueAttribute(fieldOf(data, 'arguments')) }
  if (operation === 'chat')
    return {
      inputMessages: told.sent(listIn(data, 'messages')),
      systemInstructions: told.instructions(typeof session === 'string' ? session : undefined),
    }
  const text = textIn(data, 'text')
  return text === undefined
    ? {}
    : { inputMessages: messagesAttribute([{ role: 'user', parts: [textPart(text)] }]) }
}

/** What was said in a command's result. Why a model ended stands in its message in 1.41, and beside it since. */
export function contentOfResult(
  operation: Operation,
  { output, status }: JournalRecord,
  semconv: SemconvVersion,
): Facts {
  if (status !== 'ok') return {}
  if (operation === 'execute_tool') return { toolResult: valueAttribute(output) }
  const reply = textIn(output, 'reply')
  const message =
    operation === 'chat'
      ? spokenMessage(fieldOf(output, 'message'))
      : reply !== undefined && { role: 'assistant', parts: [textPart(reply)] }
  if (!message) return {}
  const reason = semconv === '1.41' ? { finish_reason: textIn(output, 'finishReason') ?? '' } : {}
  return { outputMessages: messagesAttribute([{ ...message, ...reason }]) }
}
