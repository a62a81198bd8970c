import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { RecordedRun } from './recorded-run.ts'
import { SharedIds } from './shared-ids.ts'

/** Notes about the process that wrote the journal, not about what its messages did. */
const ABOUT_THE_PROCESS = new Set([
  'bus.opened',
  'bus.recovered',
  'bus.lost',
  'bus.attachFailed',
  'bus.tapFailed',
  'bus.probeFailed',
])

/** What the line tells with which a process begins to write a journal. */
const Begun = z.object({
  run: z.string().regex(/^[\w-]+$/),
  /** A fork has the lines of its parent up to this one, then what the fork itself added. */
  parent: z.object({ seq: z.number() }).optional(),
})

/**
 * Takes a journal apart into the runs of the processes that wrote it, one after another. What a fork added to end what was
 * open is left out: nobody did that then.
 *
 * @returns the runs, and how many lines the journal has
 * @throws BuslineError `RUN_NOT_FOUND` for a journal whose beginning was deleted, or that holds no run
 */
export async function recordedRuns(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
): Promise<{ runs: RecordedRun[]; lines: number }> {
  const ids = new SharedIds()
  const runs: { run: string; lines: { record: JournalRecord; line: number }[] }[] = []
  let line = 0
  let copiedTo = Infinity
  for await (const record of records) {
    if (line++ === 0 && record.seq > 0) throw beginsLate(record.seq)
    const begun = begunBy(record)
    if (begun?.parent) copiedTo = begun.parent.seq
    else if (begun && record.seq > copiedTo) copiedTo = Infinity
    if (begun && begun.run !== runs.at(-1)?.run) runs.push({ run: begun.run, lines: [] })
    if (record.kind === 'header' || ABOUT_THE_PROCESS.has(record.type) || record.seq > copiedTo) continue
    runs.at(-1)?.lines.push({ record: ids.share(record), line: record.seq + 1 })
  }
  if (!runs.some((run) => run.lines.length > 0))
    throw new BuslineError(
      'RUN_NOT_FOUND',
      'There is no run to replay: the journal has no header line, or nothing else.',
    )
  return { runs: runs.map((run) => new RecordedRun(prefixOf(run), run.lines, ids)), lines: line }
}

/** The prefix of a run's ids: its name, but for the lines that a fork has of its parent. */
function prefixOf({ run, lines }: { run: string; lines: readonly { record: JournalRecord }[] }): string {
  const root = lines.find(({ record: { id, cause } }) => id !== undefined && cause === undefined)?.record.id
  return root?.slice(0, root.lastIndexOf('-')) || run
}

/** The header of a rotated journal's next segment begins no run, whichever it names. */
function begunBy(record: JournalRecord): z.output<typeof Begun> | undefined {
  const { kind, type, data } = record
  if (beginsLaterSegment(record)) return undefined
  return kind === 'header' || type === 'bus.opened' ? Begun.safeParse(data).data : undefined
}

function beginsLate(seq: number): BuslineError {
  return new BuslineError(
    'RUN_NOT_FOUND',
    `The beginning of this run was deleted: its journal begins at line ${seq + 1}. A run is replayed from its first line.`,
    { data: { seq } },
  )
}
