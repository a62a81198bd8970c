import type { Failure } from '../messages/failure.ts'
import type { Message } from './envelope.ts'
import type { Origin } from './message-scope.ts'
import type { LeftLetter } from './restoring.ts'
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

/**
 * The dead letters of a bus, oldest first. Bounded: beyond the capacity the oldest is dropped, and recorded. Restored
 * ones are older than those of this run.
 */
export interface DeadLetters {
  readonly size: number
  list(filter?: LetterFilter): DeadLetter[]
  /**
   * Delivers a letter again to the subscriber of that name, or executes the command again. One that fails again
   * stays, with more attempts. Of a parked key all letters go, oldest first, up to the first that fails.
   * Rejects with `LETTER_NOT_FOUND`, with `NO_SUBSCRIBER` when nobody of that name listens, or with `BUS_STOPPED`.
   *
   * It takes its turn behind what that subscriber is getting under the key. Awaited inside such a delivery, also in a
   * command that the delivery executes, it never resolves, and no `SELF_WAIT` tells: nothing shows from where it was
   * called. There, don't await it.
   */
  redrive(id: string): Promise<RedriveReport>
  /** Forgets a letter; false if there is none of that id, or if the bus has stopped: `restore` would bring it back. */
  discard(id: string): boolean
}

/** A letter as the box holds it. */
export interface LetterEntry extends LeftLetter {
  /** An earlier run made it. */
  readonly restored: boolean
  /** The original, for a letter of this run: its new delivery continues the same chain. */
  readonly original: { message: Message; origin: Origin; subscriber: Subscriber } | undefined
}

/** Whether a subscriber is who missed it; once that one has left, or in another run, whoever bears the name. */
export function belongs({ original, subscriber: name }: LetterEntry, subscriber: Subscriber): boolean {
  return original?.subscriber.active ? original.subscriber === subscriber : subscriber.name === name
}

/** What users see of an entry. */
export function letterIn(entry: Omit<LetterEntry, 'print'>): DeadLetter {
  const { id, kind, type, message, session, key, data, subscriber, attempts, error, time } = entry
  return { id, kind, type, message, session, key, data, subscriber, attempts, error, time }
}
