// Longer than 200 lines: the list, its limit and its notes have to agree.
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import type { Core } from './core.ts'
import {
  belongs,
  letterIn,
  type DeadLetter,
  type DeadLetters,
  type LetterEntry,
  type LetterFilter,
  type RedriveReport,
} from './dead-letter.ts'
import { printOf, type Leftovers } from './leftovers.ts'
import type { Publication } from './publication.ts'
import { Redriving, type Redelivery } from './redriving.ts'
import type { LeftLetter } from './restoring.ts'
import type { Subscriber } from './subscriber.ts'

/** Holds the dead letters, and the keys of subscribers who park behind them. */
export class DeadLetterBox implements DeadLetters {
  #core: Core
  #capacity: number
  #redelivery: Redelivery
  #redriving: Redriving
  #letters = new Map<string, LetterEntry>()
  #count = 0

  constructor(parts: { core: Core; capacity: number; redelivery: Redelivery }) {
    this.#core = parts.core
    this.#capacity = parts.capacity
    this.#redelivery = parts.redelivery
    this.#redriving = new Redriving(parts.redelivery, {
      lane: (subscriber, key) => this.#lane(subscriber, key),
      delivered: (letter) => this.#end(letter, 'deadLetterRedriven'),
      failedAgain: (letter, error) => this.#failedAgain(letter, error, 1),
    })
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
      kind: 'event',
      type: message.type,
      message: message.id,
      session: message.session,
      key,
      data: message.data,
      subscriber: subscriber.name,
      attempts,
      error,
      parked: subscriber.plan.park,
      original: { message, origin, subscriber },
    })
    // It has left meanwhile: the letter belongs to whoever bears its name now.
    if (subscriber.plan.park && !subscriber.active) this.park(subscriber.name)
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
    this.#put({
      ...failed,
      kind: 'command',
      key: failed.session ?? '',
      subscriber: undefined,
      attempts: 1,
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
    return this.#redriving.redrive(letter)
  }

  discard(id: string): boolean {
    const letter = this.#letters.get(id)
    // Once the journal is closed there is nowhere to note it: the next run would bring it back.
    if (!letter || this.#core.state === 'stopped') return false
    this.#end(letter, 'deadLetterDiscarded')
    return true
  }

  /**
   * Takes over what earlier runs left, as older than all of this run, and within the capacity. Returns how many are
   * kept. One whose id is taken, because both runs drew the same prefix, gets another.
   */
  restore(left: Leftovers<LeftLetter>): number {
    for (const id of left.ended) this.#endRestored(id)
    const found = left.settle({
      known: [...this.#letters.values()],
      newId: () => this.#newId(),
      onRename: ({ from, to, print }) =>
        this.#core.recorder.note('deadLetterRenamed', { letter: from, to, print }),
    })
    const restored = found.map((one): LetterEntry => ({ ...one, restored: true, original: undefined }))
    const known = [...this.#letters.values()]
    const inOrder = [
      ...known.filter((letter) => letter.restored),
      ...restored,
      ...known.filter((letter) => !letter.restored),
    ]
    this.#letters = new Map(inOrder.map((letter) => [letter.id, letter]))
    this.#trim()
    this.park()
    return restored.filter(({ id }) => this.#letters.has(id)).length
  }

  /** Parks the keys of those to whom parked letters belong: all, or the bearers of a name, one of whom came or went. */
  park(name?: string): void {
    for (const letter of this.#letters.values()) {
      if (!letter.parked || (name !== undefined && letter.subscriber !== name)) continue
      for (const subscriber of this.#subscribersTo(letter))
        if (belongs(letter, subscriber)) subscriber.parkedKeys.add(letter.key)
    }
  }

  #put(letter: Omit<LetterEntry, 'id' | 'print' | 'error' | 'time' | 'restored'> & { error: unknown }): void {
    const entry = {
      ...letter,
      id: this.#newId(),
      error: failureOf(letter.error),
      time: this.#core.stamp(),
      restored: false,
    }
    const { recorder, redactor } = this.#core
    const note = this.#noteOf(entry)
    const print = recorder.on ? printOf(note, (value) => redactor.json(value)) : ''
    this.#letters.set(entry.id, { ...entry, print })
    recorder.note('deadLettered', note, entry.original?.message)
    this.#trim()
  }

  #failedAgain(letter: LetterEntry, error: unknown, attempts: number): void {
    letter.attempts += attempts
    letter.error = failureOf(error)
    letter.time = this.#core.stamp()
    const note = { ...this.#noteOf(letter), again: true }
    this.#core.recorder.note('deadLettered', note, letter.original?.message)
  }

  #trim(): void {
    for (const oldest of this.#letters.values()) {
      if (this.#letters.size <= this.#capacity) return
      this.#end(oldest, 'deadLetterDropped', { capacity: this.#capacity })
    }
  }

  /** It came back with an earlier `restore`, and only these records tell that it had ended. */
  #endRestored(id: string): void {
    const letter = this.#letters.get(id)
    if (letter?.restored) this.#remove(letter)
  }

  #end(letter: LetterEntry, word: string, more: object = {}): void {
    this.#remove(letter)
    this.#core.recorder.note(word, { letter: letter.id, ...more })
  }

  /** Takes a letter out; a key of which nothing is left is no longer parked. */
  #remove(letter: LetterEntry): void {
    this.#letters.delete(letter.id)
    if (!letter.parked) return
    for (const subscriber of this.#subscribersTo(letter))
      if (belongs(letter, subscriber) && this.#lane(subscriber, letter.key).length === 0)
        subscriber.parkedKeys.delete(letter.key)
  }

  #subscribersTo({ type, session }: LetterEntry): readonly Subscriber[] {
    return this.#redelivery.subscribers(type, session)
  }

  #lane(subscriber: Subscriber, key: string): LetterEntry[] {
    return [...this.#letters.values()].filter(
      (letter) => letter.parked && letter.key === key && belongs(letter, subscriber),
    )
  }

  #noteOf(letter: Omit<LetterEntry, 'print'>): object {
    const { id, ...rest } = letterIn(letter)
    const { routes } = this.#core
    // A command's is what was scheduled, so not parsed yet.
    const data =
      letter.kind === 'command'
        ? routes.maskedGiven(letter.type, letter.data)
        : routes.masked(letter.type, letter.data)
    return { letter: id, ...rest, data, parked: letter.parked }
  }

  /** Another than those that came back, also when a run draws the prefix of an earlier one. */
  #newId(): string {
    let id: string
    do id = `${this.#core.prefix}-letter-${++this.#count}`
    while (this.#letters.has(id))
    return id
  }
}
