import type { Journal, JournalRecord } from '../bus/journal.ts'

/** A journal in memory, for tests and short runs: `lines` as they would stand in the file, `records` parsed. */
export interface MemoryJournal extends Journal {
  readonly lines: readonly string[]
  readonly records: JournalRecord[]
}

export function memoryJournal(): MemoryJournal {
  const lines: string[] = []
  return {
    lines,
    get records() {
      return lines.map((line): JournalRecord => JSON.parse(line))
    },
    append: (line) => void lines.push(line),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}
