import type { JournalRecord } from '../bus/journal.ts'

/**
 * Tells what a record is, wherever it stands: a message by its id, which is structural; a result by its command; a note by its
 * type, what it concerns, and how many of them came before.
 */
export class RecordKeys {
  #notes = new Map<string, number>()

  of({ kind, type, id, of, cause }: JournalRecord): string {
    if (kind === 'result' && of !== undefined) return `result ${of}`
    if (id !== undefined) return `message ${id}`
    const note = `${kind} ${type} of ${cause ?? ''}`
    const count = (this.#notes.get(note) ?? 0) + 1
    this.#notes.set(note, count)
    return `${note} #${count}`
  }
}
