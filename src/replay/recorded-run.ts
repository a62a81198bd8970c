import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { RecordKeys } from './record-keys.ts'

/** One line of a journal that a replay is expected to write again. */
export interface Expected {
  readonly record: JournalRecord
  /** Where it stands in the journal, from 1. */
  readonly line: number
  readonly place: number
  done: boolean
}

/** Notes about the process that wrote the journal, not about what its messages did. */
const ABOUT_THE_PROCESS = new Set([
  'bus.opened',
  'bus.recovered',
  'bus.lost',
  'bus.attachFailed',
  'bus.tapFailed',
  'bus.probeFailed',
])

const ScheduleFired = z.object({ message: z.string() })

/** What one process wrote into a journal: the lines in order, and each by what it is. Holds them in memory. */
export class RecordedRun {
  /** The prefix of its ids. */
  readonly run: string
  readonly lines: readonly Expected[]
  /** The ids of what schedules sent. */
  readonly scheduled: ReadonlySet<string>
  #byKey = new Map<string, Expected>()

  constructor(run: string, lines: readonly { record: JournalRecord; line: number }[]) {
    this.run = run
    const keys = new RecordKeys()
    this.lines = lines.map(({ record, line }, place) => {
      const expected = { record, line, place, done: false }
      this.#byKey.set(keys.of(record), expected)
      return expected
    })
    this.scheduled = new Set(
      lines.flatMap(({ record: { type, data } }) => {
        const fired = type === 'bus.scheduleFired' ? ScheduleFired.safeParse(data).data?.message : undefined
        return fired === undefined ? [] : [fired]
      }),
    )
  }

  /** Whether all that began has an end: the process was not killed in the middle of something. */
  get hasEnded(): boolean {
    return this.lines.every(
      ({ record: { kind, id } }) => kind !== 'command' || this.resultOf(id ?? '') !== undefined,
    )
  }

  /** The line that is the same thing; see {@link RecordKeys}. */
  find(key: string): Expected | undefined {
    return this.#byKey.get(key)
  }

  message(id: string): Expected | undefined {
    return this.find(`message ${id}`)
  }

  resultOf(id: string): Expected | undefined {
    return this.find(`result ${id}`)
  }
}

/** Takes a journal apart into the runs of the processes that wrote it, one after another. */
export async function recordedRuns(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
): Promise<RecordedRun[]> {
  const runs: { run: string; lines: { record: JournalRecord; line: number }[] }[] = []
  let line = 0
  for await (const record of records) {
    line++
    const begun = runOf(record)
    // A segment of a rotated journal begins with a header of the same run.
    if (begun !== undefined && begun !== runs.at(-1)?.run) runs.push({ run: begun, lines: [] })
    if (record.kind === 'header' || ABOUT_THE_PROCESS.has(record.type)) continue
    runs.at(-1)?.lines.push({ record, line })
  }
  return runs.map(({ run, lines }) => new RecordedRun(run, lines))
}

function runOf({ kind, type, data }: JournalRecord): string | undefined {
  if (kind !== 'header' && type !== 'bus.opened') return undefined
  const run = typeof data === 'object' && data !== null && 'run' in data ? data.run : undefined
  return typeof run === 'string' && /^[\w-]+$/.test(run) ? run : undefined
}

/** Whether this is the end of a command that somebody cancelled, or whose time was up. */
export function isBrokenOff({ kind, status }: JournalRecord): boolean {
  return kind === 'result' && (status === 'cancelled' || status === 'timeout')
}
