import type { JournalRecord } from '../bus/journal.ts'
import { Inbound } from './inbound.ts'
import { isBrokenOff, isCancel, isRoot } from './line-kinds.ts'
import { rootNumber, type Expected, type RecordedRun } from './recorded-run.ts'
import type { ReplayedBus } from './replayed-bus.ts'

/** Code that sends several messages without waiting may take so many milliseconds between two of them. */
const AT_ONCE_MS = 5

/** Lets come what came from outside: messages, cancels, and what was streamed. */
export class Arrivals {
  #run: RecordedRun
  #on: ReplayedBus
  #inbound: Inbound
  /** The line whose message was sent last. */
  #sent: Expected | undefined
  /** How many of the batches from outside have been published. */
  #streams = 0

  constructor(run: RecordedRun, on: ReplayedBus) {
    this.#run = run
    this.#on = on
    this.#inbound = new Inbound(run, on)
  }

  /** Cancels what was cancelled from outside at this line; false if the replay has sent no such command. */
  cancel(line: Expected): boolean {
    const isDone = this.#inbound.cancel(line.record.cause ?? '')
    if (isDone) this.#goOnAtOnce(line)
    return isDone
  }

  /** Publishes what was streamed from outside before a chain began: its ids are counted from its beginning. */
  stream({ root }: JournalRecord): boolean {
    const from = this.#streams
    for (let batch = this.#run.streams[from]; batch; batch = this.#run.streams[++this.#streams]) {
      if (!(rootNumber(batch.record.id) <= rootNumber(root))) break
      if (!this.#on.definition(batch.record.type)) continue
      if (this.#inbound.inject(batch) === 'sent') this.#on.answers.batches.add(batch)
    }
    return this.#streams > from
  }

  /** Sends the message of a line; false if that was done before. */
  send(next: Expected): boolean {
    const { journal, answers } = this.#on
    // It wrote something else, or its batch is not full: once is enough.
    if (this.#sent === next || answers.batches.behind(next) !== next) return false
    this.#sent = next
    // After a difference there may have been more or fewer of them.
    if (isRoot(next.record)) this.#on.roots = rootNumber(next.record.id) - 1
    const injected = this.#inbound.inject(next)
    if (injected !== 'sent' && isRoot(next.record)) this.#on.roots++
    if (injected === 'opaque') answers.copied.copy(next)
    if (typeof injected === 'object') {
      journal.skip(next, { replayed: injected.missing })
      // With all that it caused: there is nothing to compare it with.
      if (!journal.isOver && next.record.id !== undefined) this.#skipBelow(next.record.id)
    }
    this.#goOnAtOnce(next)
    return true
  }

  /** What came at once with this comes at once again, before anything that this causes. */
  #goOnAtOnce(line: Expected): void {
    const { journal, clock } = this.#on
    const { next, isOver } = journal
    if (!next || next === line || isOver) return
    const { record } = next
    if (isCancel(record) && this.#isJustSent(line, next)) return void this.cancel(next)
    const isLater = record.time - line.record.time > AT_ONCE_MS || clock.isDueBefore(next)
    if (isLater || this.#run.scheduleOf(next)) return
    if (isCancel(record) && isCancel(line.record)) this.cancel(next)
    else if (isRoot(record) || this.#run.isOfEarlierSchedule(record)) {
      this.stream(record)
      this.send(next)
    }
  }

  /** Whether nothing came of a command before it was cancelled: its handler may need nothing that would hold it up until then. */
  #isJustSent({ record }: Expected, cancel: Expected): boolean {
    const behind = this.#run.lines[cancel.place + 1]?.record
    const isGivenUp = behind !== undefined && behind.of === record.id && isBrokenOff(behind)
    return isGivenUp && cancel.record.cause === record.id
  }

  #skipBelow(id: string): void {
    const isBelow = ({ record }: Expected): boolean => record.root === id || record.of === id
    this.#on.journal.leaveOut(this.#run.lines.filter((line) => !line.done && isBelow(line)))
  }
}
