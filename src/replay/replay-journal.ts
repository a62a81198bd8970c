import type { Journal, JournalRecord } from '../bus/journal.ts'
import { valueChanges } from '../diff/value-changes.ts'
import { comparable } from './comparable.ts'
import { RecordKeys } from './record-keys.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import type { Divergence } from './replay-report.ts'

/**
 * The journal of a bus that replays: each line that it writes is compared with the recorded one that is the same thing,
 * wherever that stands. Knows the place that the replay has come to: the first recorded line that it has not written.
 */
export class ReplayJournal implements Journal {
  readonly continues: Journal['continues']
  readonly records: JournalRecord[] = []
  readonly divergences: Divergence[] = []
  /** How often something was written. */
  written = 0
  #recorded: RecordedRun
  #keys = new RecordKeys()
  #place = 0
  #lastTime: number
  #open = true
  #today: (record: JournalRecord) => JournalRecord
  #onDivergence: () => void

  /**
   * @param parts.nextSeq where `seq` goes on, after the runs before this one
   * @param parts.today a recorded line as today's definitions want it
   */
  constructor(
    recorded: RecordedRun,
    parts: {
      nextSeq: number
      today: (record: JournalRecord) => JournalRecord
      onDivergence: () => void
    },
  ) {
    const { nextSeq, today, onDivergence } = parts
    this.#recorded = recorded
    this.#lastTime = recorded.lines[0]?.record.time ?? 0
    this.#today = today
    this.#onDivergence = onDivergence
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

  /** The reading of the clock by a message that is noted here, beside those of others. */
  timeReadBy(id: string): Expected | undefined {
    const { lines } = this.#recorded
    for (let place = this.#place, line = lines[place]; line; line = lines[++place]) {
      if (line.done) continue
      if (line.record.type !== 'bus.timeRead') return undefined
      if (line.record.cause === id) return line
    }
    return undefined
  }

  append(line: string): void {
    // What a run that was killed would have done next is no difference.
    if (!this.#open || (this.next === undefined && !this.#recorded.hasEnded)) return
    // A line of our own recorder, which is a record.
    const record: JournalRecord = JSON.parse(line)
    this.#take(record)
  }

  /** Writes a recorded line as it is: a part of what was answered from the journal. */
  copy({ record }: Expected): void {
    this.#take(this.#today({ ...record }))
  }

  /** Goes on past a recorded line that the replay does not come to. */
  skip(expected: Expected, why: Partial<Pick<Divergence, 'path' | 'replayed'>> = {}): void {
    expected.done = true
    this.#advance()
    this.#diverge({ kind: 'missing', path: '', replayed: undefined, ...why }, expected, undefined)
  }

  /** Takes nothing any more. */
  end(): void {
    this.#open = false
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
    this.#onDivergence()
  }
}
