import type { JournalRecord } from '../bus/journal.ts'
import { MESSAGE_TYPES } from '../messages/message-types.ts'

/**
 * Each request to a model names all messages of its session. Holds each name once: a session of a thousand turns has them
 * millions of times.
 */
export class SharedIds {
  #ids = new Map<unknown, unknown>()

  /** The record, or one equal to it. */
  share(record: JournalRecord): JournalRecord {
    const { kind, type, data } = record
    if (kind !== 'command' || type !== MESSAGE_TYPES.callModel) return record
    if (typeof data !== 'object' || data === null || !('messages' in data)) return record
    const { messages } = data
    if (!Array.isArray(messages)) return record
    return { ...record, data: { ...data, messages: messages.map((id: unknown) => this.#once(id)) } }
  }

  #once(id: unknown): unknown {
    if (typeof id !== 'string') return id
    const known = this.#ids.get(id)
    if (known === undefined) this.#ids.set(id, id)
    return known ?? id
  }
}
