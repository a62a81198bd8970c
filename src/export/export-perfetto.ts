import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'
import { TIME_READ } from '../messages/message-types.ts'
import { chunkTime } from './chunk-time.ts'
import { isWanted, type ExportFilter, type Records } from './export-options.ts'
import { plainJson } from './plain-text.ts'
import { SliceTracks } from './slice-tracks.ts'
import type { TraceEvent } from './trace-events.ts'

const Header = z.looseObject({ run: z.string() })

/**
 * A run as a trace for https://ui.perfetto.dev and chrome://tracing, in pieces of one JSON object: a track for each
 * session, commands as slices, events, notes and first chunks as instants, arrows from causes to effects that nesting does not
 * show. `ts` counts microseconds from the first line. It holds names, ids, lines and tokens, not what was said. Commands without
 * an end are closed with the status `interrupted` at the last line of their process; when the records end in an error, the JSON is
 * finished before that is thrown. Holds what is running in memory.
 */
export async function* exportPerfetto(records: Records, filter: ExportFilter = {}): AsyncGenerator<string> {
  const tracks = new SliceTracks()
  const heard = new Map<string, FirstChunk>()
  let start: number | undefined
  let last = 0
  let failure: { error: unknown } | undefined
  let separator = '\n'
  const written = (events: Iterable<TraceEvent>): string => {
    let text = ''
    for (const event of events) {
      text += `${separator}${plainJson(event)}`
      separator = ',\n'
    }
    return text
  }
  const unfinished = (): string => {
    let text = ''
    for (const { time, record } of heard.values())
      text += written(tracks.point(record, since(time), FIRST_CHUNK))
    heard.clear()
    return text + written(tracks.closeAll(last))
  }
  const since = (time: number): number => {
    const at = Math.round((time - (start ?? time)) * 1000)
    // A damaged file may hold numbers that are no time.
    return Number.isSafeInteger(at) ? Math.max(0, at) : 0
  }

  yield '{"displayTimeUnit":"ms","traceEvents":['
  try {
    for await (const record of records) {
      if (start !== undefined && beginsLaterSegment(record)) continue
      if (Number.isFinite(record.time)) start ??= record.time
      if (record.type === OPENED) yield unfinished()
      if (!isWanted(record, filter) || record.type === TIME_READ) continue
      const at = since(record.time)
      // What a later process wrote first is no time of what an earlier one left open.
      if (!BEGINNINGS.has(record.type)) last = Math.max(last, at)
      const text = written(eventsOf(record, { tracks, heard, at, since }))
      if (text !== '') yield text
    }
  } catch (error) {
    failure = { error }
  }
  yield unfinished()
  yield '\n]}\n'
  if (failure) throw failure.error
}

const FIRST_CHUNK = 'first chunk'
/** Another process went on with the file. */
const OPENED = 'bus.opened'
const BEGINNINGS: ReadonlySet<string> = new Set(['busline.journal', 'bus.recovered', OPENED])

/** Of a model call that runs: when it was first heard of, epoch milliseconds, and by which record. */
interface FirstChunk {
  readonly time: number
  readonly record: JournalRecord
}

function* eventsOf(
  record: JournalRecord,
  {
    tracks,
    heard,
    at,
    since,
  }: { tracks: SliceTracks; heard: Map<string, FirstChunk>; at: number; since: (time: number) => number },
): Generator<TraceEvent> {
  const { kind, type, cause } = record
  if (kind === 'header') yield processName(record)
  else if (kind === 'command') yield* tracks.begin(record, at)
  else if (kind === 'result') {
    const { of = '' } = record
    const first = heard.get(of)
    if (first) yield* tracks.point(first.record, since(first.time), FIRST_CHUNK)
    heard.delete(of)
    yield* tracks.end(record, at)
  } else {
    const time = chunkTime(record)
    // A batch's line may come after a later one of another kind: which was the first is known at the end.
    if (time !== undefined && cause !== undefined && tracks.isOpen(cause)) {
      if (time < (heard.get(cause)?.time ?? Infinity)) heard.set(cause, { time, record })
    }
    yield* tracks.point(record, at, type)
  }
}

function processName({ data }: JournalRecord): TraceEvent {
  const run = Header.safeParse(data).data?.run ?? ''
  return { ph: 'M', name: 'process_name', pid: 1, tid: 0, args: { name: `busline run ${run}`.trim() } }
}
