// Longer than 200 lines: the box and the order in which parked letters leave it are one invariant.
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf, type Failure } from '../messages/failure.ts'
import type { Core } from './core.ts'
import type { Message } from './envelope.ts'
import type { JournalRecord } from './journal.ts'
import type { Origin } from './message-scope.ts'
import type { Publication } from './publication.ts'
import { DeadLetterNote, LetterEndNote } from './restored-notes.ts'
import type { Subscriber } from './subscriber.ts'

/** Something that was accepted and could not be delivered: an event to one subscriber, or a scheduled command. */
export interface DeadLetter {
  readonly id: string
  readonly kind: 'event' | 'command'
  readonly type: string
  /** The message's id. */
  readonly message: string
  readonly session: string | undefined
  readonly key: string
  readonly data: unknown
  /** Who should have got it; undefined for a command. */
  readonly subscriber: string | undefined
  /** How often it was tried, redriving included; 0 for one that was parked behind another. */
  readonly attempts: number
  readonly error: Failure
  /** Epoch milliseconds of the last failure. */
  readonly time: number
}

/** What {@link DeadLetters.redrive} came to. */
export interface RedriveReport {
  delivered: number
  failed: number
}

/** Which letters: those for which all that is given is equal. */
export type LetterFilter = Partial<Pick<DeadLetter, 'kind' | 'type' | 'session' | 'key' | 'subscriber'>>

/** The dead letters of a bus, oldest first. Bounded: beyond the capacity the oldest is dropped, and recorded. */
export interface DeadLetters {
  readonly size: number
  list(filter?: LetterFilter): DeadLetter[]
  /**
   * Delivers a letter again to the subscriber of that name, or executes the command again. One that fails again
   * stays, with more attempts. Of a parked key all letters go, oldest first, up to the first that fails.
   * Rejects with `LETTER_NOT_FOUND`, or `NO_SUBSCRIBER` when nobody of that name listens.
   */
  redrive(id: string): Promise<RedriveReport>
  /** Forgets a letter; false if there is none of that id. */
  discard(id: string): boolean
}

interface Entry extends DeadLetter {
  attempts: number
  error: Failure
  time: number
  readonly parked: boolean
  /** The original, for a letter of this run: its new delivery continues the same chain. */
  readonly original: { message: Message; origin: Origin; subscriber: Subscriber } | undefined
}

/** How the box sends what it holds. */
export interface Redelivery {
  subscribers(type: string, session: string | undefined): readonly Subscriber[]
  /** Resolves to whether it was delivered. */
  event(letter: DeadLetter, subscriber: Subscriber, original: Entry['original']): Promise<boolean>
  /** Rejects as the command does. */
  command(letter: DeadLetter): Promise<unknown>
}

export class DeadLetterBox implements DeadLetters {
  #core: Core
  #capacity: number
  #redelivery: Redelivery
  #letters = new Map<string, Entry>()
  /** What is being redriven: a letter, or all of a subscriber's parked key. */
  #going = new Set<{ what: Entry | Subscriber; key: string; report: Promise<RedriveReport> }>()
  #count = 0

  constructor(parts: { core: Core; capacity: number; redelivery: Redelivery }) {
    this.#core = parts.core
    this.#capacity = parts.capacity
    this.#redelivery = parts.redelivery
  }

  get size(): number {
    return this.#letters.size
  }

  list(filter: LetterFilter = {}): DeadLetter[] {
    const wanted = Object.entries(filter).filter(([, value]) => value !== undefined)
    return [...this.#letters.values()]
      .filter((letter) => wanted.every(([field, value]) => Reflect.get(letter, field) === value))
      .map((entry) => letterIn(entry))
  }

  /**
   * A delivery has failed for good, or was held back behind one that did. False if nothing is kept of it: the letter
   * that it was a new delivery of has been discarded meanwhile.
   */
  add(failed: {
    publication: Publication
    subscriber: Subscriber
    key: string
    error: unknown
    attempts: number
  }): boolean {
    const { publication, subscriber, key, error, attempts } = failed
    const { message, origin, letter } = publication
    if (letter !== undefined) {
      const known = this.#letters.get(letter)
      if (known) this.#failedAgain(known, error, attempts)
      return known !== undefined
    }
    this.#put({
      id: this.#newId(),
      kind: 'event',
      type: message.type,
      message: message.id,
      session: message.session,
      key,
      data: message.data,
      subscriber: subscriber.name,
      attempts,
      error: failureOf(error),
      time: this.#core.environment.now(),
      parked: subscriber.plan.park,
      original: { message, origin, subscriber },
    })
    return true
  }

  /** A command that nobody waited for has failed. */
  addCommand(failed: {
    type: string
    message: string
    session: string | undefined
    data: unknown
    error: unknown
  }): void {
    const { error, ...command } = failed
    this.#put({
      ...command,
      id: this.#newId(),
      kind: 'command',
      key: command.session ?? '',
      subscriber: undefined,
      attempts: 1,
      error: failureOf(error),
      time: this.#core.environment.now(),
      parked: false,
      original: undefined,
    })
  }

  async redrive(id: string): Promise<RedriveReport> {
    const letter = this.#letters.get(id)
    if (!letter)
      throw new BuslineError(
        'LETTER_NOT_FOUND',
        `There is no dead letter ${id}. deadLetters.list() has those there are.`,
      )
    const refusal = this.#core.refusal(letter.type, undefined)
    if (refusal) throw refusal
    const { parked, key } = letter
    if (!parked) return this.#once(letter, key, () => this.#redriveOne(letter))
    const subscriber = this.#targetOf(letter)
    return this.#once(subscriber, key, () => this.#redriveKey(subscriber, key))
  }

  discard(id: string): boolean {
    const letter = this.#letters.get(id)
    if (!letter) return false
    this.#remove(letter)
    this.#core.recorder.note('deadLetterDiscarded', { letter: id })
    return true
  }

  /** Takes over what an earlier run left, told by the records of its journal in their order. */
  restore(record: JournalRecord): void {
    if (record.type === 'bus.deadLettered') {
      const note = DeadLetterNote.safeParse(record.data)
      // Noted again after each redrive that failed; the last note counts. One of this run is known better.
      if (!note.success || this.#letters.get(note.data.letter)?.original) return
      const { letter: id, session, subscriber, ...rest } = note.data
      this.#letters.set(id, { ...rest, id, session, subscriber, original: undefined })
      return
    }
    const end = LetterEndNote.safeParse(record.data)
    if (/^bus\.deadLetter(?:Discarded|Redriven|Dropped)$/.test(record.type) && end.success)
      this.#letters.delete(end.data.letter)
  }

  /** After restoring: how many there are and whose keys are parked is known only now. */
  parkRestored(): void {
    this.#trim()
    for (const { parked, subscriber: name, type, session, key } of this.#letters.values()) {
      if (!parked) continue
      for (const subscriber of this.#redelivery.subscribers(type, session))
        if (subscriber.name === name) subscriber.parkedKeys.add(key)
    }
  }

  /** Who asks while it goes on gets the same report, for nothing is to be delivered twice. */
  #once(
    what: Entry | Subscriber,
    key: string,
    redrive: () => Promise<RedriveReport>,
  ): Promise<RedriveReport> {
    for (const one of this.#going) if (one.what === what && one.key === key) return one.report
    const one = { what, key, report: redrive().finally(() => this.#going.delete(one)) }
    this.#going.add(one)
    return one.report
  }

  async #redriveKey(subscriber: Subscriber, key: string): Promise<RedriveReport> {
    const report = { delivered: 0, failed: 0 }
    for (;;) {
      const next = this.#lane(subscriber, key)[0]
      if (!next) return report
      const { delivered, failed } = await this.#redriveOne(next)
      report.delivered += delivered
      report.failed += failed
      if (failed > 0) return report
    }
  }

  async #redriveOne(letter: Entry): Promise<RedriveReport> {
    const delivered =
      letter.kind === 'command' ? await this.#executeAgain(letter) : await this.#deliverAgain(letter)
    if (!delivered) return { delivered: 0, failed: 1 }
    this.#remove(letter)
    this.#core.recorder.note('deadLetterRedriven', { letter: letter.id })
    return { delivered: 1, failed: 0 }
  }

  async #deliverAgain(letter: Entry): Promise<boolean> {
    return this.#redelivery.event(letter, this.#targetOf(letter), letter.original)
  }

  /** Who missed it, or has come in the place of that one under the same name. */
  #targetOf(letter: Entry): Subscriber {
    const { type, session, subscriber: name, original } = letter
    if (original?.subscriber.active) return original.subscriber
    const subscriber = this.#redelivery.subscribers(type, session).find((one) => one.name === name)
    if (subscriber) return subscriber
    throw new BuslineError(
      'NO_SUBSCRIBER',
      `Nobody named ${name} listens to ${type} now, so dead letter ${letter.id} can't be redriven. Subscribe under that name first, or discard it.`,
      { data: { type, subscriber: name } },
    )
  }

  async #executeAgain(letter: Entry): Promise<boolean> {
    try {
      await this.#redelivery.command(letter)
      return true
    } catch (error) {
      this.#failedAgain(letter, error, 1)
      return false
    }
  }

  #failedAgain(letter: Entry, error: unknown, attempts: number): void {
    letter.attempts += attempts
    letter.error = failureOf(error)
    letter.time = this.#core.environment.now()
    this.#note(letter)
  }

  #put(letter: Entry): void {
    this.#letters.set(letter.id, letter)
    this.#note(letter)
    this.#trim()
  }

  #trim(): void {
    for (const oldest of this.#letters.values()) {
      if (this.#letters.size <= this.#capacity) return
      this.#remove(oldest)
      this.#core.recorder.note('deadLetterDropped', { letter: oldest.id, capacity: this.#capacity })
    }
  }

  /** Takes a letter out; a key of which nothing is left is no longer parked. */
  #remove(letter: Entry): void {
    this.#letters.delete(letter.id)
    const { parked, type, session, key } = letter
    if (!parked) return
    for (const subscriber of this.#redelivery.subscribers(type, session))
      if (belongs(letter, subscriber) && this.#lane(subscriber, key).length === 0)
        subscriber.parkedKeys.delete(key)
  }

  #lane(subscriber: Subscriber, key: string): Entry[] {
    return [...this.#letters.values()].filter(
      (letter) => letter.parked && letter.key === key && belongs(letter, subscriber),
    )
  }

  #note(letter: Entry): void {
    const { id, ...rest } = letterIn(letter)
    const data = this.#core.routes.masked(letter.type, letter.data)
    const note = { letter: id, ...rest, data, parked: letter.parked }
    this.#core.recorder.note('deadLettered', note, letter.original?.message)
  }

  #newId(): string {
    return `${this.#core.prefix}-letter-${++this.#count}`
  }
}

/** Whether a subscriber is who missed it; once that one has left, or in another run, whoever bears the name. */
function belongs({ original, subscriber: name }: Entry, subscriber: Subscriber): boolean {
  return original?.subscriber.active ? original.subscriber === subscriber : subscriber.name === name
}

/** What users see of an entry. */
function letterIn(entry: Entry): DeadLetter {
  const { id, kind, type, message, session, key, data, subscriber, attempts, error, time } = entry
  return { id, kind, type, message, session, key, data, subscriber, attempts, error, time }
}
