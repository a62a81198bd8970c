import type { JournalRecord } from '../bus/journal.ts'
import { findText, folded, heavyFrom, type TextRange } from './find-text.ts'
import type { RunLine } from './run-line.ts'
import { foundRecord, searchedText } from './searched-text.ts'

/** A line while a filter looks at it: what costs something is read once, and only when it is asked for. */
export class LineView {
  readonly line: number
  readonly envelope: Readonly<JournalRecord>
  /** The tool or the model that the command, or the command of the result, calls. */
  readonly name: string | undefined
  #source: RunLine
  #record: JournalRecord | undefined
  #text: string | undefined
  #heavyFrom: number | undefined

  constructor(source: RunLine, name?: string) {
    this.#source = source
    this.line = source.line
    this.envelope = source.envelope
    this.name = name
  }

  get record(): Readonly<JournalRecord> {
    this.#record ??= foundRecord(this.#source)
    return this.#record
  }

  /** Where an escaped text stands in the heavy field. */
  find(escaped: string, ignoreCase: boolean): TextRange | undefined {
    this.#text ??= ignoreCase ? folded(searchedText(this.#source)) : searchedText(this.#source)
    this.#heavyFrom ??= heavyFrom(this.#text)
    return findText(this.#text, escaped, this.#heavyFrom)
  }
}
