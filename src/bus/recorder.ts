import { pid, version as node } from 'node:process'
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import type { Envelope } from './envelope.ts'
import type { Journal } from './journal.ts'
import type { Redactor } from './redactor.ts'
import { Taps, type Tap } from './taps.ts'
import type { Unsubscribe } from './unsubscribe.ts'
import { BUSLINE_VERSION } from './version.ts'

export type Status = 'ok' | 'error' | 'cancelled' | 'timeout'

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
  /** What a journal threw whose `append` must not throw; the next flush tells. */
  #appendFailure: { error: unknown } | undefined

  constructor(options: { journal: Journal | undefined; now: () => number; redactor: Redactor; run: string }) {
    this.#journal = options.journal
    this.#now = options.now
    this.#redactor = options.redactor
    this.#seq = options.journal?.continues?.nextSeq ?? 0
    if (options.journal) this.#begin(options.run, options.journal)
  }

  get on(): boolean {
    return this.#journal !== undefined || this.#taps.any
  }

  /** The time of the last line; undefined before the first. */
  get lastTime(): number | undefined {
    return this.#lastTime
  }

  tap(tap: Tap): Unsubscribe {
    return this.#taps.add(tap)
  }

  /** The line of a command or an event; its type as JSON is known to its route. */
  message(typeJson: string, message: Envelope, data: unknown): void {
    if (!this.on) return
    const envelope = `"kind":"${message.kind}","type":${typeJson},"id":"${message.id}"${this.#ids(message)}`
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
    const envelope = `"kind":"result","type":${typeJson},"of":"${command.id}"${this.#ids(command)},"ms":${round(end.ms ?? Math.max(0, this.#now() - command.time))},"status":"${end.status}"${this.#by(end.by)}`
    if (end.status === 'ok') this.#write(this.#now(), envelope, 'output', end.output)
    else this.#write(this.#now(), envelope, 'error', failureOf(end.error))
  }

  /** A line of the bus's own; `about` is the message that it concerns. */
  note(word: string, data: unknown, about?: Envelope, by?: string): void {
    if (!this.on) return
    const parent = about
      ? this.#ids({ session: about.session, turn: about.turn, cause: about.id, root: about.root })
      : ''
    this.#write(this.#now(), `"kind":"note","type":"bus.${word}"${parent}${this.#by(by)}`, 'data', data)
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
    try {
      await journal?.close()
      this.#tellAppendFailure()
    } catch (error) {
      throw journalFailed(error)
    }
  }

  #begin(run: string, journal: Journal): void {
    const data = { run, busline: BUSLINE_VERSION, node, pid }
    const { nextSeq, cutBytes } = journal.continues ?? { nextSeq: 0, cutBytes: 0 }
    if (nextSeq === 0)
      this.#write(this.#now(), '"kind":"header","type":"busline.journal"', 'data', data, '"v":1,')
    if (cutBytes > 0) this.note('recovered', { cutBytes })
    if (nextSeq > 0) this.note('opened', data)
  }

  #write(time: number, envelope: string, field: string, value: unknown, before = ''): void {
    const last = this.#lastField(field, value)
    const seq = this.#seq++
    const rounded = round(time)
    this.#lastTime = rounded
    const line = `{${before}"seq":${seq},"time":${rounded},${envelope}${last}}`
    try {
      this.#journal?.append(line)
    } catch (error) {
      this.#appendFailure = { error }
    }
    if (this.#taps.any) this.#taps.show(line)
  }

  /** Recording never throws: a value that can't be written (a subscriber has put a BigInt into it) is told as such. */
  #lastField(field: string, value: unknown): string {
    try {
      const json = this.#redactor.json(value)
      return json === undefined ? '' : `,"${field}":${json}`
    } catch (error) {
      return `,"error":${this.#redactor.json({ ...failureOf(error), code: 'NOT_JSON' })}`
    }
  }

  #tellAppendFailure(): void {
    const failure = this.#appendFailure
    this.#appendFailure = undefined
    if (failure) throw failure.error
  }

  #ids(of: {
    session: string | undefined
    turn: string | undefined
    cause: string | undefined
    root: string
  }): string {
    const session = of.session === undefined ? '' : `,"session":${this.#text(of.session)}`
    const turn = of.turn === undefined ? '' : `,"turn":${this.#text(of.turn)}`
    const cause = of.cause === undefined ? '' : `,"cause":"${of.cause}"`
    return `${session}${turn}${cause},"root":"${of.root}"`
  }

  #by(name: string | undefined): string {
    return name ? `,"by":${this.#text(name)}` : ''
  }

  /** Users choose sessions, turns and names, so a secret may stand in them. */
  #text(text: string): string {
    return JSON.stringify(this.#redactor.text(text))
  }
}

/** Milliseconds with up to three decimals; 0 from a clock that tells no number, because JSON has none either. */
function round(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms * 1000) / 1000 : 0
}

function journalFailed(error: unknown): BuslineError {
  if (error instanceof BuslineError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new BuslineError('JOURNAL_FAILED', `The journal can't be written: ${why}`, { cause: error })
}
