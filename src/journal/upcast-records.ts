import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { upcastData } from '../messages/upcasts.ts'

type Definition = Pick<CommandDefinition, 'kind' | 'type' | 'version' | 'upcast' | 'upcastOutput'>
/** What is known of a message's versions. */
export type AnyDefinition = Definition | Pick<EventDefinition, 'kind' | 'type' | 'version' | 'upcast'>

/**
 * Gives records as today's definitions want them: data of an earlier version goes through the upcasts of its definition, one
 * version after another, and the record then carries the version of today. What no definition knows, and what has no data (a
 * failed result), is given as it is. So `bus.restore(upcastRecords(readJournal(path), definitions))` takes old journals.
 *
 * @throws BuslineError `RECORD_FROM_FUTURE`, naming type, `seq` and both versions, for a record of a later version than its
 * definition has; `JOURNAL_DAMAGED` for a version that is no whole number from 1 on. What an upcast throws is thrown on.
 */
export async function* upcastRecords(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  definitions: Iterable<AnyDefinition>,
): AsyncGenerator<JournalRecord> {
  const byType = new Map(Array.from(definitions, (definition) => [definition.type, definition]))
  for await (const record of records) {
    const definition = byType.get(record.type)
    yield definition ? upcastRecord(record, definition) : record
  }
}

/** One record as its definition wants it; see {@link upcastRecords}. */
export function upcastRecord(record: JournalRecord, definition: AnyDefinition): JournalRecord {
  const { kind, version: from = 1 } = record
  const to = definition.version
  if (kind !== definition.kind && !(kind === 'result' && definition.kind === 'command')) return record
  if (!Number.isSafeInteger(from) || from < 1) throw noVersion(record, from)
  if (from === to) return record
  if (from > to) throw fromFuture(record, from, to)
  const upcast: JournalRecord = { ...record, version: to }
  if (kind === 'result') {
    const steps = definition.kind === 'command' ? definition.upcastOutput : {}
    if (record.status === 'ok') upcast.output = upcastData(record.output, { from, to }, steps)
  } else upcast.data = upcastData(record.data, { from, to }, definition.upcast)
  return upcast
}

function fromFuture({ type, seq }: JournalRecord, version: number, known: number): BuslineError {
  return new BuslineError(
    'RECORD_FROM_FUTURE',
    `The record with seq ${seq} (line ${seq + 1}) holds version ${version} of ${type}; known is version ${known}. Read it with the program that wrote it, or a later one.`,
    { data: { type, seq, line: seq + 1, version, known } },
  )
}

function noVersion({ type, seq }: JournalRecord, version: number): BuslineError {
  return new BuslineError(
    'JOURNAL_DAMAGED',
    `The record with seq ${seq} (line ${seq + 1}) of ${type} has version ${version}; versions are whole numbers from 1 on.`,
    { data: { type, seq, line: seq + 1, version } },
  )
}
