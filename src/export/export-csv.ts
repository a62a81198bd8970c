import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { csvRow } from './csv-cell.ts'
import { callRows, CALL_COLUMNS } from './call-rows.ts'
import { isWanted, type ExportFilter, type Records } from './export-options.ts'
import { RECORD_COLUMNS, recordRow } from './record-row.ts'
import { TURN_COLUMNS, turnRow } from './turn-row.ts'
import { turnsOf } from './turn-teller.ts'

const Table = z.enum(['records', 'calls', 'turns'])

/** What a row stands for: a line of the journal, a model or tool call, a turn. */
export type CsvTable = z.output<typeof Table>

/**
 * A run as a table in CSV (RFC 4180: comma, CRLF, a header row), in pieces. Columns stay what and where they are; new ones
 * come at the end. A text that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, tab first) has an apostrophe before it;
 * control characters are shown (`\x1b`). Calls and turns come when they end; those without an end come last. Holds what is
 * still running in memory.
 *
 * @param options.table default `records`
 * @throws BuslineError `INVALID_OPTION`
 */
export function exportCsv(
  records: Records,
  options: ExportFilter & { table?: CsvTable | undefined } = {},
): AsyncGenerator<string> {
  const table = Table.safeParse(options.table ?? 'records')
  if (table.success) return TABLES[table.data](records, options)
  throw new BuslineError('INVALID_OPTION', 'exportCsv.table must be records, calls or turns.', {
    data: { option: 'table' },
  })
}

const TABLES: Record<CsvTable, (records: Records, filter: ExportFilter) => AsyncGenerator<string>> = {
  async *records(records, filter) {
    yield csvRow(RECORD_COLUMNS)
    for await (const record of wanted(records, filter)) yield csvRow(recordRow(record))
  },
  async *calls(records, filter) {
    yield csvRow(CALL_COLUMNS)
    for await (const row of callRows(wanted(records, filter))) yield csvRow(row)
  },
  async *turns(records, filter) {
    yield csvRow(TURN_COLUMNS)
    for await (const turn of turnsOf(records, filter)) yield csvRow(turnRow(turn))
  },
}

async function* wanted(records: Records, filter: ExportFilter): AsyncGenerator<JournalRecord> {
  for await (const record of records) if (isWanted(record, filter)) yield record
}
