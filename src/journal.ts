export type { JournalRecord } from './bus/journal.ts'
export { readJournal, type ReadJournalOptions } from './journal/read-journal.ts'
export { scanJournal, type JournalSource, type ScannedLine } from './journal/scan-journal.ts'
