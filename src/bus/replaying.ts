import type { CommandDefinition } from '../messages/define-command.ts'
import type { TimerOwner, TimeRead } from './clock-readings.ts'
import type { Envelope, Message } from './envelope.ts'
import type { RegisteredHandler } from './handler-table.ts'
import type { Receipt } from './receipt.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** What a bus asks of the replay that it runs for. */
export interface Replaying {
  /** The prefix of the run's ids. */
  readonly prefix: string
  /** How many messages have come from outside; the bus counts on. */
  roots: number
  /** The time of the line that is written next. */
  time(): number
  /** Has a reading of the clock by this message noted, at its time, if the journal has such a note of it here; whether it has. */
  noteTimeRead(message: Message, note: (read: TimeRead | undefined) => void, read: TimeRead): boolean
  /** Sets a timer; `late` is what a journal notes of it if it rings late. */
  setTimer(owner: TimerOwner & { late: TimeRead | undefined }, ms: number, run: () => void): Unsubscribe
  /** Sends what was scheduled where the journal tells that it was sent. */
  whenDue(schedule: string, send: () => void): Unsubscribe
  /** When a repeated schedule that is being sent was due the next time. */
  dueAfter(schedule: string): number | undefined
  /** Who answers a command in its handler's place; undefined where its handler runs again. */
  handlerFor(message: Message, command: CommandDefinition): RegisteredHandler | undefined
  /** The receipt of an event that was published before in the name of this message, and that it publishes now. */
  toldBefore(by: Message, type: string, data: unknown): Receipt | undefined
  /** Runs a handler, or a subscriber. */
  around(message: Envelope, run: () => unknown): unknown
}
