import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
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

const OfSchedule = z.object({ schedule: z.string(), message: z.string().optional() })

/** What one process wrote into a journal: the lines in order, and each by what it is. Holds them in memory. */
export class RecordedRun {
  /** The prefix of its ids. */
  readonly run: string
  readonly lines: readonly Expected[]
  /** The ids of what schedules of this run sent. */
  readonly scheduled: ReadonlySet<string>
  /** The ids of what was broken off from outside as far as only what it caused tells of it. */
  readonly brokenOff: ReadonlySet<string>
  #schedules: ReadonlySet<string>
  #causes: ReadonlySet<string | undefined>
  #byKey = new Map<string, Expected>()

  constructor(run: string, lines: readonly { record: JournalRecord; line: number }[]) {
    this.run = run
    const keys = new RecordKeys()
    this.lines = lines.map(({ record, line }, place) => {
      const expected = { record, line, place, done: false }
      this.#byKey.set(keys.of(record), expected)
      return expected
    })
    this.#causes = new Set(lines.map(({ record }) => (record.kind === 'result' ? undefined : record.cause)))
    const notes = lines.map(({ record: { type, data } }) => ({ type, ...scheduleIn(type, data) }))
    this.#schedules = new Set(
      notes.flatMap(({ type, schedule }) => (type === 'bus.scheduled' && schedule ? [schedule] : [])),
    )
    this.scheduled = new Set(
      notes.flatMap(({ schedule = '', message }) =>
        message && this.#schedules.has(schedule) ? [message] : [],
      ),
    )
    this.brokenOff = new Set(
      lines.flatMap(({ record }) => (isCleanedUp(record) && record.root !== undefined ? [record.root] : [])),
    )
  }

  /** Whether all that began has an end: the process was not killed in the middle of something. */
  get hasEnded(): boolean {
    return this.lines.every(
      ({ record: { kind, id } }) => kind !== 'command' || this.resultOf(id ?? '') !== undefined,
    )
  }

  /** Whether a message caused anything. */
  isCause(id: string): boolean {
    return this.#causes.has(id)
  }

  /** Whether it tells of a schedule that an earlier run made, and this one restored. */
  isOfEarlierSchedule({ type, data }: JournalRecord): boolean {
    const { schedule } = scheduleIn(type, data)
    return schedule !== undefined && !this.#schedules.has(schedule)
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

function scheduleIn(type: string, data: unknown): { schedule?: string; message?: string | undefined } {
  return type.startsWith('bus.schedule') ? (OfSchedule.safeParse(data).data ?? {}) : {}
}

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
  const runs: { run: string; lines: { record: JournalRecord; line: number }[] }[] = []
  let line = 0
  let copiedTo = Infinity
  for await (const record of records) {
    if (line++ === 0 && record.seq > 0) throw beginsLate(record.seq)
    const begun = begunBy(record)
    if (begun?.parent) copiedTo = begun.parent.seq
    else if (begun && record.seq > copiedTo) copiedTo = Infinity
    // A segment of a rotated journal begins with a header of the same run.
    if (begun && begun.run !== runs.at(-1)?.run) runs.push({ run: begun.run, lines: [] })
    if (record.kind === 'header' || ABOUT_THE_PROCESS.has(record.type) || record.seq > copiedTo) continue
    runs.at(-1)?.lines.push({ record, line })
  }
  if (!runs.some((run) => run.lines.length > 0))
    throw new BuslineError(
      'RUN_NOT_FOUND',
      'There is no run to replay: the journal has no header line, or nothing else.',
    )
  return { runs: runs.map((run) => new RecordedRun(prefixOf(run), run.lines)), lines: line }
}

/** The prefix of a run's ids: its name, but for the lines that a fork has of its parent. */
function prefixOf({ run, lines }: { run: string; lines: readonly { record: JournalRecord }[] }): string {
  const root = lines.find(({ record: { id, cause } }) => id !== undefined && cause === undefined)?.record.id
  return root?.slice(0, root.lastIndexOf('-')) || run
}

function begunBy({ kind, type, data }: JournalRecord): z.output<typeof Begun> | undefined {
  return kind === 'header' || type === 'bus.opened' ? Begun.safeParse(data).data : undefined
}

function beginsLate(seq: number): BuslineError {
  return new BuslineError(
    'RUN_NOT_FOUND',
    `The beginning of this run was deleted: its journal begins at line ${seq + 1}. A run is replayed from its first line.`,
    { data: { seq } },
  )
}

/** Whether this is the end of a command that a stop could wait for no longer. */
export function isAbandoned({ kind, error }: JournalRecord): boolean {
  return kind === 'result' && error?.code === 'ABANDONED'
}

/** Whether it failed with an error of its own because it was broken off: no such error does that by itself. */
export function isCleanedUp(record: JournalRecord): boolean {
  return isBrokenOff(record) && !BREAKING_OFF.has(record.error?.code ?? '')
}

const BREAKING_OFF = new Set(['CANCELLED', 'TIMED_OUT', 'ABANDONED'])

/** Whether this is the end of a command that somebody cancelled, or whose time was up. */
export function isBrokenOff({ kind, status }: JournalRecord): boolean {
  return kind === 'result' && (status === 'cancelled' || status === 'timeout')
}
