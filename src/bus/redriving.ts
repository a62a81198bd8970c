import { BuslineError } from '../messages/busline-error.ts'
import type { DeadLetter, LetterEntry, RedriveReport } from './dead-letter.ts'
import type { Subscriber } from './subscriber.ts'

/** How dead letters are sent again. */
export interface Redelivery {
  subscribers(type: string, session: string | undefined): readonly Subscriber[]
  /** Resolves to whether it was delivered. */
  event(letter: DeadLetter, subscriber: Subscriber, original: LetterEntry['original']): Promise<boolean>
  /** Rejects as the command does. */
  command(letter: DeadLetter): Promise<unknown>
}

/** What redriving asks of the box that holds the letters. */
interface Box {
  /** The letters that hold a subscriber's parked key, oldest first. */
  lane(subscriber: Subscriber, key: string): readonly LetterEntry[]
  delivered(letter: LetterEntry): void
  /** A command has failed again; of a delivery the box is told by itself. */
  failedAgain(letter: LetterEntry, error: unknown): void
}

/** Sends dead letters again: one by one, or those of a parked key in their order, and none twice at a time. */
export class Redriving {
  #redelivery: Redelivery
  #box: Box
  /** What goes on: a letter, or all of a subscriber's parked key. */
  #going = new Set<{ what: LetterEntry | Subscriber; key: string; report: Promise<RedriveReport> }>()

  constructor(redelivery: Redelivery, box: Box) {
    this.#redelivery = redelivery
    this.#box = box
  }

  async redrive(letter: LetterEntry): Promise<RedriveReport> {
    const { parked, key } = letter
    if (!parked) return this.#once(letter, key, () => this.#redriveOne(letter))
    const subscriber = this.#targetOf(letter)
    return this.#once(subscriber, key, () => this.#redriveKey(subscriber, key))
  }

  /** Who asks while it goes on gets the same report, for nothing is to be delivered twice. */
  #once(
    what: LetterEntry | Subscriber,
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
      const next = this.#box.lane(subscriber, key)[0]
      if (!next) return report
      const { delivered, failed } = await this.#redriveOne(next)
      report.delivered += delivered
      report.failed += failed
      if (failed > 0) return report
    }
  }

  async #redriveOne(letter: LetterEntry): Promise<RedriveReport> {
    const delivered =
      letter.kind === 'command' ? await this.#executeAgain(letter) : await this.#deliverAgain(letter)
    if (!delivered) return { delivered: 0, failed: 1 }
    this.#box.delivered(letter)
    return { delivered: 1, failed: 0 }
  }

  async #deliverAgain(letter: LetterEntry): Promise<boolean> {
    return this.#redelivery.event(letter, this.#targetOf(letter), letter.original)
  }

  async #executeAgain(letter: LetterEntry): Promise<boolean> {
    try {
      await this.#redelivery.command(letter)
      return true
    } catch (error) {
      this.#box.failedAgain(letter, error)
      return false
    }
  }

  /** Who missed it, or has come in the place of that one under the same name. */
  #targetOf(letter: LetterEntry): Subscriber {
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
}
