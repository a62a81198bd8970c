import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { textAt } from './field-at.ts'

/**
 * What a command calls by name: the tool of a `tool.call`, the model that a `model.call` asks for. Undefined of other
 * records, and of a model call that leaves the choice to its provider.
 */
export function callName(record: Readonly<JournalRecord>): string | undefined {
  if (record.kind !== 'command') return undefined
  if (record.type === MESSAGE_TYPES.callTool) return textAt(record.data, 'name')
  return record.type === MESSAGE_TYPES.callModel ? textAt(record.data, 'model') : undefined
}
