import type { JournalRecord } from '../bus/journal.ts'
import type { Expected } from './recorded-run.ts'
import type { ReplayJournal } from './replay-journal.ts'

/** Lines that are written as they are, because nobody here does what they tell. */
export class CopiedLines {
  #journal: ReplayJournal
  /** Ids of messages of which all that they caused is copied too. */
  #copied = new Set<string>()
  /** Events that nobody here knows: what they caused has to be missing. */
  #unheard = new Set<Expected>()

  constructor(journal: ReplayJournal) {
    this.#journal = journal
  }

  /** From now on lines of this message are written as they are, with all that it causes. */
  copy(line: Expected): void {
    if (line.record.id !== undefined) this.#copied.add(line.record.id)
    this.#journal.copy(line)
  }

  /** The same for a message whose line is still to come. */
  willCopy(id: string): void {
    this.#copied.add(id)
  }

  /** An event that nobody hears is written when its line comes, alone. */
  willCopyAlone(event: Expected): void {
    this.#unheard.add(event)
  }

  /** Writes a line that is to be copied, once; false for others. */
  take(line: Expected): boolean {
    const isCopied = this.#isCopied(line.record)
    if (!isCopied && !this.#unheard.has(line)) return false
    if (isCopied && line.record.id !== undefined) this.#copied.add(line.record.id)
    if (!line.done) this.#journal.copy(line)
    return true
  }

  #isCopied({ kind, of, cause, id }: JournalRecord): boolean {
    if (id !== undefined && this.#copied.has(id)) return true
    const above = kind === 'result' ? of : cause
    return above !== undefined && this.#copied.has(above)
  }
}
