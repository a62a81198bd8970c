import { pid, version as node } from 'node:process'
import { failureOf } from '../messages/failure.ts'
import type { Envelope } from './envelope.ts'
import { journalFailed } from './journal-failed.ts'
import type { BigValues, Journal, SegmentHeader } from './journal.ts'
import { byOf, idsOf, lineOf, round } from './record-line.ts'
import type { Redactor } from './redactor.ts'
import { Taps, type Tap } from './taps.ts'
import type { Unsubscribe } from './unsubscribe.ts'
import { BUSLINE_VERSION } from './version.ts'

export type Status = 'ok' | 'error' | 'cancelled' | 'timeout'

type HeaderData = { run: string; segment?: number } & Record<'busline' | 'node', string> & { pid: number }

/**
 * Writes every message as one line, numbered by `seq`: envelope first, in the order of the format, the one heavy
 * field last. Does nothing, and costs nothing, while there is neither a journal nor a tap.
 */
export class Recorder {
  #journal: Journal | undefined
  #now: () => number
  #redactor: Redactor
  /** A tap observes and can't fail delivery: one that fails, also later, is taken off, and the journal says so. */
  #taps = new Taps((tap, error) => this.note('tapFailed', { error: failureOf(error) }, undefined, tap.name))
  #seq: number
  #lastTime: number | undefined
  #blobs: BigValues | undefined
  /** Lines that stand in the journal, and come when the taps have got the one that is being appended. */
  #unshown: string[] = []
  #isAppending = false
  /** What a journal threw whose `append` must not throw; the next flush tells. */
  #appendFailure: { error: unknown } | undefined

  constructor(options: { journal: Journal | undefined; now: () => number; redactor: Redactor; run: string }) {
    this.#journal = options.journal
    this.#now = options.now
    this.#redactor = options.redactor
    this.#seq = options.journal?.continues?.nextSeq ?? 0
    this.#blobs = options.journal?.blobs
    if (options.journal) this.#begin(options.run, options.journal)
  }

  get on(): boolean {
    return this.#journal !== undefined || this.#taps.any
  }

  /** The time of the last line; undefined before the first. */
  get lastTime(): number | undefined {
    return this.#lastTime
  }

  /** The number of the line that comes next. */
  get nextSeq(): number {
    return this.#seq
  }

  tap(tap: Tap): Unsubscribe {
    return this.#taps.add(tap)
  }

  /** The line of a command or an event; its type as JSON is known to its route. */
  message(typeJson: string, message: Envelope, data: unknown): void {
    if (!this.on) return
    const envelope = `"kind":"${message.kind}","type":${typeJson},"id":"${message.id}"${idsOf(message, this.#redactor)}`
    this.#write(message.time, envelope, 'data', data)
  }

  result(
    typeJson: string,
    command: Envelope,
    end: {
      status: Status
      ms: number | undefined
      by: string | undefined
      output?: unknown
      error?: unknown
    },
  ): void {
    if (!this.on) return
    const envelope = `"kind":"result","type":${typeJson},"of":"${command.id}"${idsOf(command, this.#redactor)},"ms":${round(end.ms ?? Math.max(0, this.#now() - command.time))},"status":"${end.status}"${byOf(end.by, this.#redactor)}`
    if (end.status === 'ok') this.#write(this.#now(), envelope, 'output', end.output)
    else this.#write(this.#now(), envelope, 'error', failureOf(end.error))
  }

  /** A line of the bus's own; `about` is the message that it concerns. */
  note(word: string, data: unknown, about?: Envelope, by?: string): void {
    if (!this.on) return
    const parent = about
      ? idsOf({ session: about.session, turn: about.turn, cause: about.id, root: about.root }, this.#redactor)
      : ''
    this.#write(
      this.#now(),
      `"kind":"note","type":"bus.${word}"${parent}${byOf(by, this.#redactor)}`,
      'data',
      data,
    )
  }

  /** Makes everything recorded so far durable; `JOURNAL_FAILED` when that can't be had. */
  async flush(): Promise<void> {
    try {
      this.#tellAppendFailure()
      await this.#journal?.flush()
    } catch (error) {
      throw journalFailed(error)
    }
  }

  async close(): Promise<void> {
    const journal = this.#journal
    // Before it has closed: what abandoned work still says must not come after its last line.
    this.#journal = undefined
    this.#blobs = undefined
    try {
      await journal?.close()
      this.#tellAppendFailure()
    } catch (error) {
      throw journalFailed(error)
    }
  }

  #begin(run: string, journal: Journal): void {
    const data = { run, busline: BUSLINE_VERSION, node, pid }
    const { nextSeq, cutBytes, segment, run: first = run } = journal.continues ?? { nextSeq: 0, cutBytes: 0 }
    if (nextSeq === 0) this.#append(this.#header(data))
    else if (segment !== undefined) this.#append(this.#header({ ...data, run: first, segment }))
    if (cutBytes > 0) this.note('recovered', { cutBytes })
    if (nextSeq > 0) this.note('opened', data)
    journal.beginSegments?.(this.#segmentHeader(data))
  }

  #header(data: HeaderData): string {
    const begin = this.#numbered(this.#now(), '"kind":"header","type":"busline.journal"', '"v":1,')
    return lineOf(begin, 'data', this.#redactor.json(data))
  }

  #segmentHeader(data: HeaderData): SegmentHeader {
    return (segment, run = data.run) => {
      const line = this.#header({ ...data, run, segment })
      if (this.#isAppending && this.#taps.any) this.#unshown.push(line)
      else if (this.#taps.any) this.#taps.show(line)
      return line
    }
  }

  #write(time: number, envelope: string, field: string, value: unknown): void {
    const [name, json] = this.#lastField(field, value)
    const kept = this.#blobs && json !== undefined ? this.#shortened(this.#blobs, json) : json
    const begin = this.#numbered(time, envelope)
    const line = lineOf(begin, name, kept)
    this.#showHeaders()
    this.#append(line)
    // A tap gets the values themselves.
    if (this.#taps.any) this.#taps.show(kept === json ? line : lineOf(begin, name, json))
    this.#showHeaders()
  }

  /** Before the line that a tap causes, and after the line that filled a segment. */
  #showHeaders(): void {
    if (this.#unshown.length > 0) for (const header of this.#unshown.splice(0)) this.#taps.show(header)
  }

  #append(line: string): void {
    this.#isAppending = true
    try {
      this.#journal?.append(line)
    } catch (error) {
      this.#appendFailure = { error }
    }
    this.#isAppending = false
  }

  /** The beginning of a line, without what comes last; from here on its number is taken. */
  #numbered(time: number, envelope: string, before = ''): string {
    const seq = this.#seq++
    const rounded = round(time)
    this.#lastTime = rounded
    return `{${before}"seq":${seq},"time":${rounded},${envelope}`
  }

  /** Recording never throws: a value that can't be written (a subscriber has put a BigInt into it) is told as such. */
  #lastField(field: string, value: unknown): [field: string, json: string | undefined] {
    try {
      return [field, this.#redactor.json(value)]
    } catch (error) {
      return ['error', this.#redactor.json({ ...failureOf(error), code: 'NOT_JSON' })]
    }
  }

  /** Costs a look at most lines; those that are long, or hold such a key themselves, are looked through. */
  #shortened(blobs: BigValues, json: string): string {
    return json.length > blobs.from || json.includes('"$blob":') ? blobs.shorten(json) : json
  }

  #tellAppendFailure(): void {
    const failure = this.#appendFailure
    this.#appendFailure = undefined
    if (failure) throw failure.error
  }
}
