import type { JournalRecord } from '../bus/journal.ts'
import { TIME_READ } from '../messages/message-types.ts'

/**
 * Tells what a record is, wherever it stands: a message by its id, which is structural; a result by its command; a note by its
 * type, what it concerns, and how many of them came before.
 */
export class RecordKeys {
  #notes = new Map<string, number>()

  of({ kind, type, id, of, cause, data }: JournalRecord): string {
    if (kind === 'result' && of !== undefined) return `result ${of}`
    if (id !== undefined) return `message ${id}`
    // Handlers, and timers that are set or ring, read the clock side by side.
    const what = type === TIME_READ ? (JSON.stringify(data) ?? '') : ''
    const note = `${kind} ${type}${what} of ${cause ?? ''}`
    const count = (this.#notes.get(note) ?? 0) + 1
    this.#notes.set(note, count)
    return `${note} #${count}`
  }
}
