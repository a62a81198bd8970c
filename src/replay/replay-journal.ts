// Longer than 200 lines: where a replay stands, what it has written, and what differs there have to agree.
import type { TimeRead } from '../bus/clock-readings.ts'
import type { Journal, JournalRecord } from '../bus/journal.ts'
import { describeError } from '../diff/describe-error.ts'
import { valueChanges } from '../diff/value-changes.ts'
import { comparable } from './comparable.ts'
import type { Owner } from './lines-by-owner.ts'
import { RecordKeys } from './record-keys.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import type { Divergence } from './replay-report.ts'

/** After so many divergences a replay has nothing more to tell. */
const MOST_DIVERGENCES = 10_000

/**
 * The journal of a bus that replays: each line that it writes is compared with the recorded one that is the same thing,
 * wherever that stands. Knows the place that the replay has come to: the first recorded line that it has not written.
 */
export class ReplayJournal implements Journal {
  readonly continues: Journal['continues']
  readonly records: JournalRecord[] = []
  readonly divergences: Divergence[] = []
  /** Nothing comes any more: it diverged as far as is asked for, or was ended. */
  isOver = false
  /** How often something was written. */
  written = 0
  #recorded: RecordedRun
  #keys = new RecordKeys()
  #missing = new Set<Expected>()
  #place = 0
  #lastTime: number
  #today: (record: JournalRecord) => JournalRecord
  #isStrict: boolean
  #hasEnded = false

  /**
   * @param parts.mode `strict`: the first line that differs is the last
   * @param parts.nextSeq where `seq` goes on, after the runs before this one
   * @param parts.today a recorded line as today's definitions want it
   */
  constructor(
    recorded: RecordedRun,
    parts: {
      mode: 'strict' | 'keep-going'
      nextSeq: number
      today: (record: JournalRecord) => JournalRecord
    },
  ) {
    const { mode, nextSeq, today } = parts
    this.#recorded = recorded
    this.#lastTime = recorded.lines[0]?.record.time ?? 0
    this.#today = today
    this.#isStrict = mode === 'strict'
    this.continues = nextSeq === 0 ? undefined : { nextSeq, cutBytes: 0 }
  }

  /** The recorded line that the replay has come to; undefined at the end. */
  get next(): Expected | undefined {
    return this.#recorded.lines[this.#place]
  }

  /** The time at that place. */
  get time(): number {
    return this.next?.record.time ?? this.#lastTime
  }

  /** The time of the line before. */
  get lastTime(): number {
    return this.#lastTime
  }

  nextOf(owner: Owner): Expected | undefined {
    return this.#recorded.byOwner.next(owner)
  }

  /** The reading of the clock by a message that is noted here, beside those of others. */
  timeReadBy(id: string, read: TimeRead): Expected | undefined {
    const { lines } = this.#recorded
    for (let place = this.#place, line = lines[place]; line; line = lines[++place]) {
      if (line.done) continue
      if (line.record.type !== 'bus.timeRead') return undefined
      const { cause, data } = line.record
      const isIt =
        data === undefined ? read.read !== undefined : JSON.stringify(data) === JSON.stringify(read)
      if (cause === id && isIt) return line
    }
    return undefined
  }

  append(line: string): void {
    // What a run that was killed would have done next is no difference.
    if (this.#hasEnded || (this.next === undefined && !this.#recorded.hasEnded)) return
    // A line of our own recorder, which is a record.
    const record: JournalRecord = JSON.parse(line)
    this.#take(this.#recorded.ids.share(record))
  }

  /** Writes a recorded line as it is: a part of what was answered from the journal. */
  copy({ record }: Expected): void {
    this.#take(this.#today({ ...record }))
  }

  /** Whether a line was written, and not missing. */
  isMade(line: Expected): boolean {
    return line.done && !this.#missing.has(line)
  }

  /** Goes on without lines of which it need not be told that they are missing. */
  leaveOut(lines: readonly Expected[]): void {
    for (const line of lines) line.done = true
    this.#advance()
  }

  /** Goes on past a recorded line that the replay does not come to. */
  skip(expected: Expected, why: Partial<Pick<Divergence, 'path' | 'replayed'>> = {}): void {
    expected.done = true
    this.#missing.add(expected)
    this.#advance()
    const replayed = this.#whyMissing(expected)
    this.#diverge({ kind: 'missing', path: '', replayed, ...why }, expected, undefined)
  }

  /** Takes nothing any more. */
  end(): void {
    this.isOver = true
    this.#hasEnded = true
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #take(written: JournalRecord): void {
    const { seq: _seq, ...fields } = written
    const record: JournalRecord = { seq: (this.continues?.nextSeq ?? 0) + this.records.length, ...fields }
    this.written++
    this.records.push(record)
    if (record.kind === 'header' || record.type === 'bus.opened') return
    const expected = this.#recorded.find(this.#keys.of(record))
    if (!expected || expected.done) {
      this.#diverge({ kind: 'extra', path: '', replayed: record }, undefined, record)
      return
    }
    expected.done = true
    this.#advance()
    // Another message in its place differs as a whole.
    const { type } = expected.record
    const [difference] =
      type === record.type
        ? valueChanges(comparable(this.#today(expected.record)), comparable(record), { limit: 1 })
        : [{ path: 'type', a: type, b: record.type }]
    if (difference) {
      const { path, a: recorded, b: replayed } = difference
      this.#diverge({ kind: 'changed', path, recorded, replayed }, expected, record)
    }
  }

  #advance(): void {
    for (let next = this.next; next?.done; next = this.next) {
      this.#lastTime = Math.max(this.#lastTime, next.record.time)
      this.#place++
    }
    this.#endWhenTold()
  }

  /** `strict` goes on up to the first line that differs: one that came early may differ because an earlier one is missing. */
  #endWhenTold(): void {
    const { divergences } = this
    if (divergences.length >= MOST_DIVERGENCES) this.isOver = true
    if (!this.#isStrict || divergences.length === 0) return
    const first = Math.min(...divergences.map(({ line }) => line))
    if (first <= (this.next?.line ?? Infinity)) this.isOver = true
  }

  /** That a handler failed, which would have written the line. */
  #whyMissing({ record }: Expected): string | undefined {
    const by = record.kind === 'result' ? record.of : record.cause
    const end = this.records.findLast(({ kind, of }) => kind === 'result' && of === by)
    if (by === undefined || !end?.error) return undefined
    const { code, name, message } = this.#recorded.resultOf(by)?.record.error ?? {}
    const { error } = end
    if (error.code === code && error.name === name && error.message === message) return undefined
    return `${end.type} ended with ${describeError(error)}.`
  }

  #diverge(
    what: Pick<Divergence, 'kind' | 'path' | 'replayed'> & { recorded?: unknown },
    expected: Expected | undefined,
    record: JournalRecord | undefined,
  ): void {
    const at = expected ?? this.next ?? this.#recorded.lines.at(-1)
    const divergence: Divergence = {
      ...what,
      line: at?.line ?? 1,
      type: (expected?.record ?? record)?.type ?? '',
      recorded: what.kind === 'missing' ? expected?.record : what.recorded,
      recordedRecord: expected?.record,
      replayedRecord: record,
    }
    this.divergences.push(divergence)
    this.#endWhenTold()
  }
}
